"""Languages of Latin script are told from English, and English is never taken for another."""

from __future__ import annotations

import pytest

from seestep.curate.batch import make_batch
from seestep.curate.embed import UNREADABLE, Encoder, folder_of
from seestep.curate.language import ENGLISH, OTHERS, other_language
from seestep.curate.relevance import Relevance
from seestep.records import Freeform
from tests.curate.test_engine import ask

PAIRS = {
    "German": """
        Welche Farbe hat die Tasse auf dem Tisch? Die Tasse auf dem Tisch ist rot.
        Was macht der Hund? Er läuft im Gras hinter einem Ball her.
        Wo steht der Zug? Der Zug steht am Bahnsteig.
        Wie ist das Wetter? Es ist bewölkt und sieht nach Regen aus.
        Wer fährt mit dem Fahrrad? Ein Junge mit Helm.
        Was liegt auf dem Kuchen? Erdbeeren.
        Was hält die Spielerin in der Hand? Einen Tennisschläger.
        Wie viele Stühle gibt es in diesem Zimmer? Es gibt vier Stühle.
        Steht die Lampe links oder rechts vom Sofa? Sie steht links vom Sofa.
        Was isst das Pferd? Heu aus einem Trog.
        Was soll der Roboter als Nächstes tun? Er soll den Kühlschrank öffnen.
        Welches Instrument wird gespielt? Eine Frau spielt Klavier.
    """,
    "French": """
        De quelle couleur est la tasse sur la table ? La tasse est rouge.
        Que fait le chien ? Il court après une balle dans l'herbe.
        Où se trouve le train ? Le train est au quai de la gare.
        Quel temps fait-il ? Le ciel est couvert et il va pleuvoir.
        Qui fait du vélo ? Un garçon avec un casque.
        Qu'y a-t-il sur le gâteau ? Des fraises.
        Que tient la joueuse ? Une raquette de tennis.
        Combien de chaises y a-t-il dans cette pièce ? Il y a quatre chaises.
        La lampe est-elle à gauche ou à droite du canapé ? Elle est à gauche du canapé.
        Que mange le cheval ? Du foin.
        Que doit faire le robot ensuite ? Il doit ouvrir le réfrigérateur.
        De quel instrument joue-t-on ? Une femme joue du piano.
    """,
    "Spanish": """
        ¿De qué color es la taza que está sobre la mesa? La taza es roja.
        ¿Qué hace el perro? Corre detrás de una pelota en el césped.
        ¿Dónde está el tren? El tren está en el andén de la estación.
        ¿Qué tiempo hace? Está nublado y parece que va a llover.
        ¿Quién monta en bicicleta? Un niño con casco.
        ¿Qué hay encima del pastel? Fresas.
        ¿Qué sostiene la jugadora? Una raqueta de tenis.
        ¿Cuántas sillas hay en esta habitación? Hay cuatro sillas.
        ¿La lámpara está a la izquierda o a la derecha del sofá? Está a la izquierda del sofá.
        ¿Qué come el caballo? Come heno.
        ¿Qué debe hacer el robot a continuación? Debe abrir el refrigerador.
        ¿Qué instrumento se toca? Una mujer toca el piano.
    """,
    "Portuguese": """
        De que cor é a caneca em cima da mesa? A caneca é vermelha.
        O que o cachorro está fazendo? Ele corre atrás de uma bola na grama.
        Onde está o trem? O trem está na plataforma da estação.
        Como está o tempo? Está nublado e parece que vai chover.
        Quem está andando de bicicleta? Um menino com capacete.
        O que há em cima do bolo? Morangos.
        O que a jogadora segura? Uma raquete de tênis.
        Quantas cadeiras há nesta sala? Há quatro cadeiras.
        A lâmpada está à esquerda ou à direita do sofá? Ela está à esquerda do sofá.
        O que o cavalo come? Feno.
        O que o robô deve fazer em seguida? Ele deve abrir a geladeira.
        Que instrumento é tocado? Uma mulher toca piano.
    """,
    "Indonesian": """
        Apa warna cangkir di atas meja? Cangkir itu berwarna merah.
        Apa yang sedang dilakukan anjing itu? Anjing itu berlari mengejar bola di rumput.
        Di mana kereta itu berada? Kereta itu ada di peron stasiun.
        Bagaimana cuacanya? Cuacanya mendung dan akan hujan.
        Siapa yang mengendarai sepeda? Seorang anak laki-laki dengan helm.
        Apa yang ada di atas kue? Stroberi.
        Apa yang dipegang pemain itu? Sebuah raket tenis.
        Berapa banyak kursi di ruangan ini? Ada empat kursi.
        Apakah lampu itu di sebelah kiri atau kanan sofa? Lampu itu di sebelah kiri sofa.
        Apa yang dimakan kuda itu? Jerami.
        Apa yang harus dilakukan robot selanjutnya? Robot harus membuka kulkas.
        Alat musik apa yang dimainkan? Seorang wanita bermain piano.
    """,
}

ENGLISH_TEXTS = [
    "Where is the man? On a plate.",
    "black bottle, white shirt, brown hair, small dog, red hat",
    "What is the horse eating? Hay.",
    "Pour oil in the pan. pour oil; open van; sit in sole bar",
    "pick mug; heat mug; put mug countertop; open fridge; close fridge",
    "Which cafe is this? The Café de la Paix near the Place de l'Opéra.",
    "Which city is on the sign, and what is it near? Los Angeles, el Camino Real",
    "What does the die show, and on what is it? six, on a hat",
    "Der",
    "",
]


@pytest.mark.parametrize("language", PAIRS)
def test_pairs_of_question_and_answer_are_told(language):
    texts = [line.strip() for line in PAIRS[language].strip().splitlines()]
    found = [other_language(text) for text in texts]
    assert len(texts) == 12 and found.count("") <= 1
    assert found.count(language) >= 10  # Spanish and Portuguese share words


def test_english_is_no_other_language():
    assert [other_language(text) for text in ENGLISH_TEXTS] == [""] * len(ENGLISH_TEXTS)
    assert not any(ENGLISH & set(words.split()) for words in OTHERS.values())


def test_two_words_a_fifth_of_the_text_and_more_than_english_ones_tell():
    assert other_language("der Hund und Katze") == "German"
    assert other_language("der Hund der Katze") == ""  # one word twice
    assert other_language("der Hund und Katze" + " Maus" * 6) == "German"
    assert other_language("der Hund und Katze" + " Maus" * 7) == ""
    assert other_language("der Hund und Katze with the") == ""


def test_the_shipped_encoder_reads_english_and_others_what_they_are_told(tmp_path):
    texts = ["Was macht der Hund? Er läuft im Gras.", "What is the dog doing? It runs."]
    assert Encoder().unread(texts) == ["German", ""]
    assert Encoder(model=str(folder_of("minilm"))).unread(texts) == ["German", ""]
    assert Encoder(scripts=("latin",)).unread(texts) == ["", ""]
    assert Encoder().parameters() != Encoder(scripts=("latin",)).parameters()


def test_an_answer_in_another_language_is_not_measured():
    record = ask("hund", "Was macht der Hund?", Freeform(text="Er läuft im Gras."), task="vqa")
    table = Relevance().measure()(make_batch([record]), {})
    assert table["why"].to_pylist() == [UNREADABLE.format("German")]


@pytest.mark.parametrize(
    "text",
    ["Do visit mysite.com", "E O", "What letter? E O X", "Wilmington DE, Chicago IL",
     "Dan picks up Ada"],
)  # fmt: skip
def test_signs_and_names_are_no_other_language(text):
    assert other_language(text) == ""
