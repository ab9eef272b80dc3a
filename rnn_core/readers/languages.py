"""Codes and names of languages, as they are in names of files and of columns."""

CODES = frozenset(
    """
    ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk
    sl sr sv th tr uk ur vi zh eng deu ger fra fre spa ita por rus jpn cmn zho chi kor ara hin tur
    ukr pol ces nld swe
    """.split()  # noqa: SIM905 - one a line is longer than it is clear
)
"""Codes that stand for a language wherever they are alone, of ISO 639-1 and of three letters."""

FURTHER_CODES = frozenset(
    """
    aa ab af ak am an as av ay az ba be bh bi bm bo br bs ce ch co cr cu cv cy dv dz ee eo eu ff fj
    fo fy ga gd gl gn gu gv ha ho ht hy hz ia ie ig ii ik io is iu jv ka kg ki kj kk kl km kn kr ks
    ku kv kw ky la lb lg li ln lo lu mg mh mi mk ml mn mr mt my na nb ne ng nn nr nv ny oc oj om or
    os pa pi ps qu rm rn rw sa sc sd se sg si sm sn so sq ss st su sw ta te tg ti tk tl tn to ts tt
    tw ty ug uz ve vo wa wo xh yi yo za zu
    """.split()  # noqa: SIM905 - as above
)
"""Those of ISO 639-1 that are words too, or rare, with which lists of words may begin."""

NAMES = frozenset(
    """
    english german french spanish italian portuguese russian chinese japanese korean arabic hindi
    bengali urdu tamil telugu persian turkish hebrew greek dutch swedish danish norwegian finnish
    polish czech slovak hungarian romanian bulgarian ukrainian serbian croatian vietnamese thai
    indonesian malay swahili latin
    deutsch français francais español espanol italiano português nederlands svenska dansk
    norsk suomi polski čeština cestina magyar română romana türkçe turkce русский українська
    ελληνικά العربية עברית 中文 日本語 한국어
    """.split()  # noqa: SIM905 - as above
)
"""Names of languages in English, and what they call themselves."""

LANGUAGES = CODES | FURTHER_CODES | NAMES
"""All of them, in lower case."""
