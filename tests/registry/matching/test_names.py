"""Names in forms that can be compared: who is the same, who stays another, and how columns say it."""

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.registry.matching import plainly

from bagipakai.registry.matching import names
from bagipakai.registry.matching.names import normalised
from bagipakai.registry.matching.words import (
    KINDS,
    KNOWN,
    NICK_NUMBERS,
    UNINFORMATIVE,
    phonetic,
    sounds,
    word_hash,
    words_of,
)


def said(*texts: str | None) -> list[dict]:
    return normalised(pa.array(texts, pa.string())).to_pylist()


def canonical(text: str) -> str | None:
    return said(text)[0]["canonical"]


def are_close(one: str, other: str) -> bool:
    """The level 'same phonetic words or skeleton' of the matching reference §4.5."""
    one, other = said(one, other)
    return any(one[form] == other[form] for form in ("phonetic", "skeleton"))


SAME = """
    Rahmat | Rahmad | Rachmat | Rakhmat | Rohmat | Rochmad
    Ahmad Fauzi | Achmad Fauzi | Akhmad Pauzi | Ach. Fauji | Ahmad Fauzie
    Muhammad Yusuf | Mohamad Jusuf | Moch. Yusup | M. Yusuf | Mohammed Yoesoef | MUH YUSUP | Moh.Yusuf | Mhd. Yusuf
    H. M. Yusuf | Muhammad Yusuf, Lc.
    Muhammad Rizki | MUHAMMAD RIZKY | M Riski | Muhamad Rizqi | Muhammadrizki
    Abdul Rahman | Abd Rahman | Abdurrahman | Abdul Rohman | Abd. Rochman | Abdurahman | ABDURROHMAN | Abdoel Rachman
    Abdul Ghofur | Abdulghofur | Abd. Gofur | Abdul Gafur
    Abdussalam | Abdul Salam | Abdus Salam
    Abdullah | Abdulloh | Abdulah
    Siti Aminah | St. Aminah | Sitti Aminah | Siti Amina | Aminah Siti | SITIAMINAH | Hj. Siti Aminah, S.Pd.
    Nuraini | Nur Aini | Nur'aini | Nur’aini | Nuraeni | NUR AINY | Noer Aini | Noor Aini
    Nurhayati | Nur Hayati | Noerhajati | Nurhayaty
    Nurul Hidayah | Nurulhidayah | Noerul Hidajah | Nurul Hidaya
    Ma'ruf Amin | Maruf Amin | MA`RUF AMIN | Ma ruf Amin
    Sri Mulyani | Srimulyani | Sri Muliani | Sri Moeljani | SRI-MULYANI
    Sriyanti | Sri Yanti
    Sumiyati | Sumiati | Soemijati
    Suharto | Soeharto | Soeharta | Suharta
    Prasetyo | Prasetya | Prasetio | Prastyo
    Nugroho | Nugraha
    Wijaya | Widjaja | Wijoyo
    Joko Cahyono | Djoko Tjahjono | Joko Cahiono
    Suryadi | Soerjadi | Suriadi | Surjadi
    Sunyoto | Soenjoto
    Sucipto | Soetjipto
    Supriyadi | Supriadi | Soeprijadi | Suprijadi
    Suwarno | Suarno | Soewarno
    Dwi Lestari | Duwi Lestari
    Setiawan | Setyawan | Setiyawan | Stiawan
    Syarifuddin | Sarifudin | Syaripudin | Sjarifoeddin | Syarief Udin
    Handayani | Handajani
    Sri Handayani | Srihandayani | SRI HANDAJANI
    Budi Santoso | Budisantoso | BUDI-SANTOSO | Boedi Santosa
    Komarudin | Kamarudin | Qomaruddin
    Abdul Kodir | Abdul Qadir | Abd. Kadir | Abdulkadir
    Nur Kholis | Nurkholis | Nur Cholis | Nur Khalis
    Siti Khodijah | St. Khadijah | Siti Hadijah
    Mustofa | Mustafa | Mustapa
    Solihin | Sholihin | Salihin
    Soleh | Saleh | Sholeh
    Rosyid | Rasyid | Rosid
    Poniyem | Poniem
    Rohayati | Rohaeti
    Yohanis | Johanes
    Ignatius | Ignasius
    Vincentius | Vinsensius
    Agustinus | Augustinus
    Azzahra | Az Zahra | Azahra
    Annisa | Anisa | Anissa
    Krisna | Krishna | Khrisna
    La Ode Muhidin | Laode Muhidin | LD. MUHIDIN
    FX. Sudarmo | Fransiskus Xaverius Sudarmo
    Kgs. Usman | Kiagus Usman
    Djamaluddin | Jamaludin | Djamaloedin
    Khairunnisa | Khairun Nisa | Choirunnisa
    Sut risno | Sutrisno
    Fachri | Fahri | Fakhri
    Priyono | Prijono
    Andi10 Baso | Andi Baso
    Saiful Bahri | Syaiful Bahri | Saeful Bahri | Saipul Bahri | Sjaiful Bachri
    Khairul Anwar | Chairul Anwar | Khoirul Anwar | Choerul Anwar | Khaerul Anwar | Hairul Anwar
    Zainal Abidin | Zaenal Abidin | Jaenal Abidin | Zainalabidin
    Taufik Hidayat | Taufiq Hidayat | Topik Hidayat | Taufick Hidajat
    Husein | Husain | Hussein | Chusein
    Novita | Nopita | Novitha
    Vina Fitriani | Fina Fitriany | Pina Pitriani
    Dedi | Dedy | Deddy | Dedie
    Widya | Widia | Widiya
    Shinta | Sinta
    Dhimas Bhakti | Dimas Bakti
    Yohanes | Johannes | Johanes | Yohannes
    Yulia | Julia
    Stefanus | Stephanus
    Viktor | Victor
    Fransiskus | Franciscus
    Chandra | Candra
    Kristina | Christina
    Michael | Mikael | Mikhael
    Usman | Utsman
    Ujang | Ujang Ujang
    I Wayan Sudana | Wayan Sudana | I Wyn. Sudana
    Ni Luh Putu Ayu | Luh Putu Ayu | Ni Luh Pt. Ayu
    I Ketut | Ketut
    I Gusti Ngurah Rai | I Gst. Ngr. Rai | Gusti Ngurah Rai | I.G.N. Rai
    Ida Bagus Oka | I.B. Oka | IB Oka
    R. Sutrisno | Sutrisno | Raden Sutrisno | SUTRISNO, S.H. | Drs. H. Sutrisno, M.Pd.I
    Sutrisno | (Alm) Sutrisno | Sutrisno (Alm.) | Alm. Sutrisno bin Karto
    Sutrisno | SUTRISNO ALIAS TRIS | Sutrisno @ Tris | Sutrisno (Tris) | SUTRISN0 | Sutrisno 2
    Fatimah | Fatimah binti Ahmad | Fatima | Almh. Fatimah Bt. Ahmad
    Rosmauli Saragih | Rosmauli Br. Saragih | ROSMAULI BORU SARAGIH
    Ahmad Nasution | Ahmad Nst
    Andi Baso | A.NDI BASO
    Siti Nurjanah | Siti Nurjannah | St Nur Janah
    Nyoman | Njoman | I Nyoman
    Sri Rahayu | Sri Rahajoe | Ny. Sri Rahayu, A.Md.Keb. | Sri Rahayu A. Md. Keb | Sri Rahayu S. Pd. I
    Tan Liem | Tan Lim
"""
SAME_NAMES = [[name.strip() for name in line.split(" | ")] for line in SAME.strip().splitlines()]

DIFFERENT = """
    Sutrisno | Sutrisni
    Yanti | Yanto
    Yanti Sari | Yanto Sari
    Dewi | Dewa
    Dewi | Dwi
    Sri Rahayu | Sri Rahmi
    Rino | Rina
    Eko Saputra | Eka Saputri
    Hasan | Husin
    Dani | Dini
    Budi B | Budi P
    Wagiyem | Wagim
    Sarah | Zahra
    Reni | Rini
    Eka | Ika
    Yani | Yuni
    Hendra | Indra
    Hadi | Adi
    Tati | Tuti
    Rani | Roni
    Asep | Usep
    Neneng | Nining
    Budi | Badi
    Dina | Tina
    Sumiati | Sumarti
    Suparman | Suparmin
    Sukardi | Sunardi
    Suharto | Suhartono
    Nurhayati | Nurhasanah
    Ahmad | Muhammad
    Abdul Rahman | Abdul Rahim
    Abdul Karim | Abdul Hakim
    Jono | Yono
    Sujono | Suyono
    Joko | Yoko
    Wati | Watu
    Banjar | Banyar
    Harjo | Haryo
    Aini | Eni
    Made Sudana | Wayan Sudana
    Siti Aminah | Siti Maimunah
    Budi Santoso | Budi Susanto
    Wawan | Hermawan
    Muhammad | Siti
    Tan | Tono
    Ani | Ina
    Hendra | Hendri
    Supriyanto | Supriyono
    Riski | Rika
    Suryani | Suryana
    Maria Goreti | Maria Magdalena
    Bambang | Bimbing
"""
DIFFERENT_PAIRS = [tuple(part.strip() for part in line.split("|")) for line in DIFFERENT.strip().splitlines()]


@pytest.mark.parametrize("spellings", SAME_NAMES, ids=lambda spellings: spellings[0])
def test_spellings_of_one_name_are_close(spellings):
    first, *others = spellings
    assert [other for other in others if not are_close(first, other)] == []


@pytest.mark.parametrize(("one", "other"), DIFFERENT_PAIRS)
def test_other_names_stay_others(one, other):
    assert not are_close(one, other)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Drs. H. Budi Santoso, M.M.", "BUDI SANTOSO"),
        ("  BUDI\tSANTOSO \n", "BUDI SANTOSO"),
        ("BUDI\u00a0SANTOSO\u200b", "BUDI SANTOSO"),
        ("Ｂｕｄｉ Sántosø", "BUDI SANTOSO"),
        ("Budi 😀 Santoso", "BUDI SANTOSO"),
        ("M", "M"),
        ("R", "R"),
        ("H", "H"),
        ("Haji", "HAJI"),
        ("Bin", "BIN"),
        ("ST", "ST"),
        ("I", "I"),
        ("dr. Hj. R.A. Kartini, Sp.A.", "KARTINI"),
        ("Prof. B.J. Habibie", "B J HABIBIE"),
        ("T. Simanjuntak", "T SIMANJUNTAK"),
        ("T. Muhammad Nasir", "MUHAMMAD NASIR"),
        ("bin Ahmad", "AHMAD"),
        ("H. bin Ahmad", "AHMAD"),
        ("Slamet", "SLAMET"),
        ("Ai", "AI"),
        ("Budi M", "BUDI M"),
        ("Budi M Saragih", "BUDI M SARAGIH"),
        ("SE", "SE"),
        ("Ma", "MA"),
    ],
)
def test_what_is_not_of_the_name_is_dropped_unless_nothing_would_remain(written, read):
    assert canonical(written) == read


@pytest.mark.parametrize("nobody", [None, "", "   ", "-", "123", "...", "😀", "\x00\x01", "'", "王"])
def test_a_name_without_a_latin_letter_is_unknown(nobody):
    """Names are written in Latin letters (Permendagri 73/2022). Unknown is null in every column."""
    assert set(said(nobody)[0].values()) == {None}


def test_a_name_of_one_word_survives():
    """Whatever that word may mean in a longer name."""
    words = [*KINDS, *UNINFORMATIVE, *KNOWN["families"], *KNOWN["nicknames"]]
    assert None not in [row["canonical"] for row in said(*words)]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Muhammad Rizki", "RISKI"),
        ("Siti Nur Aminah", "AMINA"),
        ("I Wayan Sudana", "SUDANA"),
        ("Ni Luh Putu", "LU"),
        ("Abdul Rahman", "RAMAN"),
        ("Muhammad", "MUAMAT"),
        ("A. Sudirman", "SUDIRMAN"),
        ("Budi", "BUDI"),
    ],
)
def test_the_first_informative_word(name, word):
    assert said(name)[0]["informative"] == word_hash(word)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("Wawan", "Hermawan"),
        ("WAWAN", "Kurniawan Saputra"),
        ("Iwan", "Setyawan"),
        ("Aa", "Asep Hidayat"),
        ("Dayat", "Taufik Hidajat"),
        ("Yati", "Nurhayati"),
        ("Yati", "Nur Hayati"),
        ("Trisno", "Soetrisno"),
        ("Udin", "Syarifuddin"),
        ("Tan", "Tanuwidjaja"),
        ("Hans", "Johannes"),
    ],
)
def test_a_nickname_points_to_the_words_it_may_stand_for(short, full):
    short, full = said(short, full)
    assert set(short["nick"]) & set(full["words"])
    assert not set(full["words"]) & set(short["words"])


def test_every_spelling_of_the_tables_stays_what_it_became():
    """Each head of a family is its own word, and so is each word that comes apart."""
    heads = {*KNOWN["families"], *(head for _, head, _ in KNOWN["joined"]["prefixes"])}
    words = [word for table in KNOWN["abbreviations"].values() for text in table.values() for word in text.split()]
    for word in (*heads, *words):
        assert words_of(word) == [word]


def test_every_word_of_the_tables_is_reached():
    """A word that the tables name and that is read as another one would be a line without effect."""
    for word in KINDS | dict.fromkeys(UNINFORMATIVE):
        assert words_of(word) == [word], word


def test_no_two_nicknames_sound_alike():
    shorts = KNOWN["nicknames"]
    assert len(NICK_NUMBERS) == len(shorts)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("N. Elis", ["ELIS"]),
        ("Agus B. Santoso", ["AGUS", "SANTOSO"]),
        ("A. B.", ["A", "B"]),  # there is nothing else
    ],
)
def test_an_initial_is_no_word_beside_others(name, words):
    assert said(name)[0]["words"] == [word_hash(phonetic(sounds([word])[0])) for word in words]


@pytest.mark.parametrize(
    ("name", "is_"), [("Dede RT 02", "DEDE"), ("DEDE RT.03/RW.01", "DEDE"), ("Mak Inem", "INEM"), ("Bu Ati", "ATI")]
)
def test_where_somebody_lives_is_no_part_of_the_name(name, is_):
    assert canonical(name) == is_


VERSION = "2-cff883aaf7e2"
ROWS = [
    ("SITI NUR AINI", 12831065082772000272, 5298252319052446497, 15096021895051168422, 15096021895051168422),
    ("SOEKARNO", 277566146202267557, 4267489610907293588, 14137898300567301002, 14137898300567301002),
    ("WAYAN SUDANA", 12042422111656266063, 16678368329413007940, 3863488856624178579, 3863488856624178579),
    ("WAWAN", 10858374971403707920, 15706177316811795833, 10416413356556197884, 10416413356556197884),
]


def test_what_is_said_changes_only_with_the_version():
    """Indexes and models hold these numbers. If this fails and names.toml is as it was, raise `_CODE`. Then copy."""
    rows = said("Hj. Siti Nur'aini, S.Pd.I binti Ahmad", "Soekarno", "I Wayan Sudana", "Wawan")
    assert names.VERSION == VERSION
    assert [
        (row["canonical"], row["phonetic"], row["skeleton"], row["informative"], row["last"]) for row in rows
    ] == ROWS


# --- The columns say what is said plainly ----------------------------------------------------------------------------

TABLE_WORDS = sorted(
    {
        *KINDS,
        *UNINFORMATIVE,
        *KNOWN["families"],
        *KNOWN["nicknames"],
        *(word for line in SAME.split("|") for word in line.split()),
        *(word for line in DIFFERENT.split("|") for word in line.split()),
    }
)
NOTED_WORDS = sorted(KINDS)
WORDS = st.one_of(
    st.sampled_from(TABLE_WORDS),
    st.sampled_from(NOTED_WORDS),
    st.sampled_from(["M", "ST", "I", "R", "PD", "BIN", "WAYAN", "S", "H", "SE", "BUDI", "BUDI"]),
    st.text(st.sampled_from("abehijkmnorstuyzcfdw"), min_size=1, max_size=9),
    st.text(max_size=6),
)
NAMES = st.one_of(
    st.none(),
    st.lists(WORDS, max_size=10).map(" ".join),
    st.tuples(st.lists(WORDS, max_size=20), st.sampled_from([" ", ". ", ".", ",", "-", "  ", "/", "'"])).map(
        lambda drawn: drawn[1].join(drawn[0])
    ),
    st.text(max_size=30),
    st.text("aIo. ", min_size=400, max_size=500),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, max_size=40))
@example(["x" * 500, "M " * 250, "ABDUL" * 100, None, ""])
@example([])
def test_columns_say_what_is_said_plainly(texts):
    assert said(*texts) == [plainly.normalised(text) for text in texts]


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, max_size=40))
def test_of_a_canonical_name_the_same_is_said(texts):
    first = normalised(pa.array(texts, pa.string()))
    assert normalised(first["canonical"]).to_pylist() == first.to_pylist()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ABEHIJKMNORSTUYZ", min_size=1, max_size=8), min_size=1, max_size=5))
def test_every_word_has_a_sound(words):
    assert len(sounds(words)) == len(words)
    assert all(sounds(words))


def test_chunks_slices_and_kinds_of_text_are_the_same(monkeypatch):
    texts = ["H. Budi", None, "Siti Aminah", "", "Wawan", "I Wayan Sudana"]
    whole = said(*texts)
    array = pa.array(texts)
    assert normalised(pa.chunked_array([array[:2], array[2:2], array[2:]])).to_pylist() == whole
    assert normalised(array[1:5]).to_pylist() == whole[1:5]
    assert normalised(array.cast(pa.large_string())).to_pylist() == whole
    assert normalised(array.dictionary_encode()).to_pylist() == whole
    assert normalised(pa.nulls(3)).to_pylist() == said(None, None, None)
    assert normalised(array).schema == normalised(array[:0]).schema == names.COLUMNS
    monkeypatch.setattr(names, "_ROWS", 2)
    assert normalised(array).to_pylist() == whole


def test_what_was_forgotten_is_learnt_again(monkeypatch):
    """The memory of words has an end, and changes nothing that is said."""
    texts = ["Budi Santoso", "Siti Aminah", "Moh. Rizki"]
    before = said(*texts)
    monkeypatch.setattr("bagipakai.registry.matching.words._REMEMBERED", 2)
    assert [said(text)[0] for text in texts] == before
    assert said(*texts) == before
