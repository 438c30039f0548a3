"""What curation tells of guard sets and of sources that fall short."""

import msgspec

from seestep.curate.mix import Quota
from seestep.pipeline.data import shares


def test_sources_that_are_short_or_not_here_are_told_and_what_nobody_could_fill(tmp_path):
    def quota(source, wanted, available, drawn):
        return Quota(
            source=source, task="t", level="easy", wanted=wanted, available=available, drawn=drawn
        )

    quotas = [quota("a", 40, 55, 55), quota("b", 30, 10, 10), quota("gone", 30, 0, 0)]
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "quotas.json").write_bytes(msgspec.json.encode(quotas))
    assert shares(tmp_path) == [
        "sources with less than their share: b 10 of 30, gone 0 of 30 (not here)",
        "15 records came from the others in their place",
        "35 records fewer than the mix asks for",
    ]
