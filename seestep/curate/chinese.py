"""Chinese words that decide an answer, found in text without spaces: the longest first, in order.

Several ways to write one word (没有 and 沒, 左边 and 左側, 两 and 二) are one. A word that is seen
inside another by mistake keeps two records apart that could be one, never the reverse.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff"

_SIDES = "左 右 上 下 前 后 外 里 东 西 南 北 旁 顶 底".split()  # noqa: SIM905
_SIDE_OF = ["", "边", "邊", "侧", "側", "面", "方", "部", "头", "頭", "手边", "手邊", "端"]
_OTHER_SIGN = {"后": "後", "里": "裡 裏", "东": "東", "顶": "頂"}
_DECIDING = """
里 中 内 內 里头|中间 中間 正中 中央|之间 之間|对面 對面|背面 反面|附近|近|远 遠
靠|先 首先|后 然后 然後 之后 之後|前 之前
从 從|到|向 往 朝
不 別 别 勿|没 没有 沒有 没 沒 无 無|非|未|否|错 錯|真|假
零 〇|一|二 两 兩 俩 倆|三|四|五|六|七|八|九|十|百|千|万 萬|半|第|双 雙|几 幾
红 紅|绿 綠|蓝 藍|黄 黃|橙 橘|紫|粉|棕 褐 咖啡|黑|白|灰|金|银 銀|青|深|浅 淺
大|小|多|少|高|低 矮|长 長|短|快|慢|老|新|旧 舊|轻 輕|重|宽 寬|窄|厚|薄|粗|细 細|冷|热 熱
最|更|比|同 相同 一样 一樣|不同 不一样 不一樣|每|都 全 全部 所有|任何
只 仅 僅|和 与 與 跟 及 以及|或 或者 还是 還是
开 开着 打开 開 打開|关 关着 关闭 关上 關 關閉|亮|暗|灭 滅|空|满 滿|男|女
"""
_PLAIN = (  # words of their own in which a deciding one is written
    "多少 大小 高低 长短 快慢 一起 一下 三明治 金属 金屬 上衣 白菜 黑板 红绿灯 差不多 不过 中国 "
    "西瓜 西装 东西 南瓜 冷冻 小心 大家 大概 老师 只要 到底 向日葵 从事 新鲜"
)
_FILLERS = (
    "的 了 吗 嗎 呢 吧 啊 呀 着 著 地 得 是 在 正在 有 是否 能否 可否 这 這 那 个 個 张 張 些 "
    "请 請 请问 什么 什麼 哪里 哪裡 哪儿 哪 这里 那里 它 他 她 我 你 们 位于 位於 "
    "图 图中 圖中 图里 图上 图片 图片中 图片里 图片上 照片 照片中 照片里 画面 画面中"
)


class Words(NamedTuple):
    """What a run of Chinese signs says, in order."""

    deciding: list[str]
    parts: list[str]  # what is left between deciding words and fillers

    @property
    def pairs(self) -> set[str]:
        """Neighbouring signs of what is left (a word is of two, as a rule), or single ones."""
        found = set()
        for part in self.parts:
            found |= {part[i : i + 2] for i in range(max(1, len(part) - 1))}
        return found


def _forms() -> dict[str, str | None]:
    """Each way to write a word: the word; None for a filler, itself for a plain one."""
    found: dict[str, str | None] = dict.fromkeys(_FILLERS.split())
    for line in _DECIDING.replace("\n", "|").split("|"):
        if ways := line.split():
            found |= dict.fromkeys(ways, f"{ways[0]}!")
    for side in _SIDES:
        for way in (side, *_OTHER_SIGN.get(side, "").split()):
            found |= {way + end: f"{side}!" for end in _SIDE_OF}
    for colour in "红紅绿綠蓝藍黄黃橙橘紫粉棕褐黑白灰金银銀青":
        found[f"{colour}色"] = found[colour]
    return found | {word: word for word in _PLAIN.split()}


_FORMS = _forms()
_ASKED = rf"(?P<asked>[{HAN}])[不没沒](?P=asked)"  # 是不是, 有没有: a question and no negation
_FOUND = re.compile("|".join([_ASKED, *sorted(_FORMS, key=lambda form: (-len(form), form))]))


def words_of(run: str) -> Words:
    """The deciding words of a run of Chinese signs, and what stands between them."""
    found = Words([], [])
    at = 0
    for match in _FOUND.finditer(run):
        if at < match.start():
            found.parts.append(run[at : match.start()])
        at = match.end()
        word = _FORMS.get(match["asked"] or match[0], match["asked"])
        if word is not None and word.endswith("!"):
            found.deciding.append(word[:-1])
        elif word is not None:
            found.parts.append(word)
    if at < len(run):
        found.parts.append(run[at:])
    return found
