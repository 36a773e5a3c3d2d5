#!/usr/bin/env python3
"""Writes the golden file of tests/core/text/tokenizer_golden_test.cc.

    make_tokenizer_goldens.py --model DIR --corpus items.jsonl --output tests/golden/tokenizer.jsonl

Strings of many kinds with the ids that the reference tokenizer (PyPI `tokenizers`) gives them, its truncation and
padding switched off. Same model, corpus and library version, same file: the seed is fixed.

--corpus is a file of JSON lines with a "text" each. Each output line is {"kind", "text", "ids"}; a long run is
{"kind", "repeat", "times", "ids"} instead, which stands for the text repeat * times. The first line says what made it.
"""

import argparse
import hashlib
import json
import pathlib
import random
import unicodedata

import tokenizers

SEED = 20240607

SENTENCES = {
    "Latin, English": "The quick brown fox jumps over the lazy dog; state-of-the-art C++/C#, .NET & Node.js (m/f/d)!",
    "Latin, German": "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich – Straße, STRAẞE, 1.000,50 €.",
    "Latin, French": "Où l’Œuvre naïve gêne Noël: garçon, élève, à côté, « ça va » ?",
    "Latin, Spanish": "¿Dónde está el niño? ¡Mañana comeré jalapeños con pingüinos!",
    "Latin, Portuguese": "À noite, vovô Kowalsky vê o ímã cair no pé do pinguim queixoso e vovó põe açúcar no chá.",
    "Latin, Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Latin, Polish": "Zażółć gęślą jaźń, Łódź.",
    "Latin, Turkish": "İstanbul’da ışıklı bir gece: IĞDIR, ığdır, çilek, şöför, iğne.",
    "Latin, Vietnamese": "Tiếng Việt: Nguyễn Đức Thọ ở thành phố Hồ Chí Minh, ưỡn ngực, khuỷu tay.",
    "Latin, Icelandic": "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa.",
    "Latin, Hungarian": "Árvíztűrő tükörfúrógép.",
    "Latin, Yoruba": "Ẹ jẹ́ kí á lọ sí ọjà, ọ̀rẹ́ mi ṣe dáadáa.",
    "Greek": "Ταχίστη αλώπηξ βαφής ψημένη γη, δρασκελίζει υπέρ νωθρού κυνός. ΟΔΥΣΣΕΥΣ ᾳ ᾼ ΐ ῧ",
    "Cyrillic, Russian": "Съешь ещё этих мягких французских булок, да выпей же чаю. ЁЛКА й Й",
    "Cyrillic, Ukrainian": "Жебракують філософи при ґанку церкви в Гадячі, ще й шатро їхнє п’яне знаємо.",
    "Cyrillic, Serbian": "Љубазни фењерџија чађавог лица хоће да ми покаже штос.",
    "Cyrillic, Kazakh": "Қазақстан Республикасы, Әлем, Ғылым, Өнер, Үй, Һауа.",
    "Armenian": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ։ և",
    "Georgian": "ყველა ადამიანი იბადება თავისუფალი. ᲧᲕᲔᲚᲐ Ⴀⴀ",
    "Hebrew": "כׇּל בְּנֵי אָדָם נוֹלְדוּ בְּנֵי חוֹרִין וְשָׁוִים. שלום־עולם ״ציטוט״",
    "Arabic": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق؛ مُحَمَّدٌ ۩ ﷺ ٣٤٥٪",
    "Persian": "می‌خواهم کتاب‌ها را بخوانم؛ پژوهشگر، گچ، ۱۲۳۴",
    "Urdu": "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔",
    "Syriac": "ܟܠ ܒܪܢܫܐ ܒܪܝܠܗ ܚܐܪܐ. ܫܠܳܡܳܐ",
    "Thaana": "އެންމެހައި އިންސާނުން އުފަންވެފައި ވަނީ",
    "Devanagari": "सभी मनुष्य जन्म से स्वतंत्र हैं। क़ ख़ ग़ ज़ ऩ ऱ ॐ १२३",
    "Bengali": "সমস্ত মানুষ স্বাধীনভাবে জন্মগ্রহণ করে। কো কৌ ড় ঢ় য় ১২৩",
    "Gurmukhi": "ਸਾਰੇ ਮਨੁੱਖ ਆਜ਼ਾਦ ਪੈਦਾ ਹੁੰਦੇ ਹਨ। ਖ਼ ਗ਼ ਜ਼ ਫ਼",
    "Gujarati": "બધા મનુષ્યો સ્વતંત્ર જન્મે છે. ૧૨૩",
    "Oriya": "ସମସ୍ତ ମଣିଷ ସ୍ୱାଧୀନ। ଡ଼ ଢ଼ କୋ",
    "Tamil": "மனிதப் பிறவியினர் அனைவரும் சுதந்திரமாகவே பிறக்கின்றனர்; கொ கோ கௌ",
    "Telugu": "మానవులెల్లరు స్వతంత్రముగా జన్మించినారు. ఐ కై",
    "Kannada": "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿ ಹುಟ್ಟಿದ್ದಾರೆ. ಕೋ ಕೀ",
    "Malayalam": "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടെ ജനിച്ചവരാണ്. കൊ കോ",
    "Sinhala": "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත. කො කෝ",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน ๑๒๓ กำ",
    "Lao": "ມະນຸດທຸກຄົນເກີດມາມີອິດສະຫຼະ ກຳ",
    "Tibetan": "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས། གྷ ཱི ཱུ",
    "Burmese": "လူတိုင်းသည် တူညီလွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် ဦ",
    "Khmer": "មនុស្សទាំងអស់កើតមកមានសេរីភាព។",
    "Ethiopic": "የሰው ልጅ ሁሉ ሲወለድ ነጻና ፩፪፫።",
    "Cherokee": "ᎾᏂᎥ ᎨᏥᏁᎳ ᎾᏂᏪᎬᎢ Ꭰ ꭰ",
    "Canadian Aboriginal": "ᐃᓅᔪᓕᒫᑦ ᐊᓂᖅᑎᕆᔪᓕᒫᑦ ᙭᙮",
    "Ogham and Runic": "᚛ᚁᚂ ᚃᚄ᚜ ᚠᛇᚻ᛫ᛒᛦᚦ",
    "Mongolian": "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ᠂ ᠮᠡᠨᠳᠡᠯᠡᢅᢆ",
    "Hanunoo and friends": "ᜑᜨᜓᜨᜳ᜴ ᝀᝓ ᝠᝲ",
    "Chinese, simplified": "人人生而自由,在尊严和权利上一律平等。（简体）“引号”、《书名》",
    "Chinese, traditional": "人人生而自由﹐在尊嚴及權利上均各平等。㐀㒨𠀀𪜀𫝀𫠠𬺰豈更車",
    "Japanese": "すべての人間は、生まれながらにして自由。カタカナ ｶﾀｶﾅ がぎぐ ㍿ 〆切 々",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 각각 한글 ㄱㄴㄷ 힣",
    "Bopomofo and Yi": "ㄅㄆㄇㄈ ㆠ ꃅꌠꊿꂷ",
    "Javanese and Balinese": "ꦱꦧꦼꦤ꧀ꦮꦺꦴꦁ ꦽ ᬲᬓᬮ ᬦᬶᬓᬂ ᭛",
    "N'Ko and Tifinagh": "ߡߐ߱ ߟߎ߬ ߓߍ߯ ⵉⵎⴷⴰⵏⵏ ⴰⴽⴽⵯ",
    "Gothic and Deseret": "𐌼𐌰𐌲 𐌲𐌻𐌴𐍃 𐐀𐐁𐐨𐐩 𐐔𐐯𐑅",
    "Cuneiform, hieroglyphs": "𒀀𒁀𒂀𒑰 𓀀𓁀𓂀 𐎀𐎟",
    "Mathematical": "𝐀𝓑𝔠 ∑∫√∞ ≠ ≮ ≰ ⊄ x² + y³ ½ ⅷ ① Ⓐ ℃ Å Ω K ﬁ ﬄ ŉ",
    "Adlam and Osage": "𞤀𞤣𞤤𞤢𞤥 𞥑 𐒰𐓘",
    "Musical": "𝅘𝅥𝅮 𝄞 𝅗𝅥 𝆺𝅥𝅯",
}

EMOJI = ["👩‍💻", "👨🏽‍🔬", "🧑🏿‍🤝‍🧑🏻", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪🇫🇷", "❤️‍🔥", "1️⃣", "☎︎", "☎️", "🤷🏼‍♀️", "🪿", "🫨", "😀😃😄", "🚀"]
SPECIALS = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]"]
ALMOST_SPECIALS = ["[cls]", "[ CLS]", "[CLS ]", "[CLS", "CLS]", "[MASK", "[[MASK]]", "[UNK]s", "##ing", "##", "[unused1]"]
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, 0x2000, 0x2003, 0x2009, 0x200A, 0x2028, 0x2029,
                           0x202F, 0x205F, 0x3000)]
INVISIBLE = [chr(c) for c in (0xAD, 0x34F, 0x61C, 0x115F, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x202A, 0x202B,
                              0x202C, 0x202D, 0x202E, 0x2060, 0x2061, 0x2066, 0x2067, 0x2068, 0x2069, 0xFE0E, 0xFE0F,
                              0xFEFF, 0xFFF9, 0xFFFC, 0xFFFD, 0xE0001, 0xE0020, 0xE0100)]
MARKS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)).startswith("M")]
DECOMPOSING = [chr(c) for c in range(0x110000) if unicodedata.decomposition(chr(c))]
PLANES = [(0, 0x7F), (0x80, 0x24F), (0x250, 0x2FFF), (0x3000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF),
          (0x20000, 0x2FFFF), (0x30000, 0x3FFFF), (0xD0000, 0xDFFFF), (0xE0000, 0xEFFFF), (0xF0000, 0x10FFFF)]


def prose(texts):
    for text in texts[::9]:
        yield "posting", text
    lines = sorted({line.strip() for text in texts for line in text.split("\n") if line.strip()})
    for line in random.Random(SEED + 1).sample(lines, min(700, len(lines))):
        yield "posting line", line


def scripts():
    for name, sentence in SENTENCES.items():
        yield name, sentence
        yield name + ", NFD", unicodedata.normalize("NFD", sentence)
        yield name + ", NFKC", unicodedata.normalize("NFKC", sentence)
        yield name + ", upper case", sentence.upper()
        yield name + ", no spaces", "".join(sentence.split())


def specials():
    for token in SPECIALS + ALMOST_SPECIALS:
        for pattern in ("{}", " {} ", "a{}b", "a {} b", "{0}{0}", "é{}́", "中{}文", "x{}.", "{}\u200b", "\ufffd{}\0"):
            yield "special token", pattern.format(token)


def emoji():
    for symbol in EMOJI:
        for pattern in ("{}", "Team {} wanted!", "word{}word", "{0}{0}{0}", "{} ‍ {}"):
            yield "emoji", pattern.format(symbol, symbol)


def spaces_and_controls():
    for text in ("", " ", "   ", "\n", "\t\r\n", "\0", "\ufeff", "\u3000", "".join(SPACES), "".join(INVISIBLE)):
        yield "empty", text
    for c in SPACES:
        yield "white space", f"a{c}b{c}{c} c{c}"
    for c in [chr(c) for c in (*range(0, 32), *range(127, 160))] + INVISIBLE:
        yield "control", f"con{c}trol {c} {c}a b{c}"


def piles(rng):
    for count in (1, 2, 5, 30, 200):
        for pool in (MARKS, MARKS[:112], ["\u302e", "\u302f", "\U0001d165", "\U0001d16d", "\u0327"], ["\u1dfb", "\u08e2"]):
            for base in ("e", "中", "", "각", "Σ"):
                yield "marks", base + "".join(rng.choice(pool) for _ in range(count)) + "x"


def long_runs():
    for repeat, times in (("a", 99), ("a", 100), ("a", 101), ("a", 10000), ("é", 50), ("é", 100), ("é", 101), ("e\u0301", 100),
                          ("e\u0301", 101), ("ß", 10000), ("\u0301", 10000), ("a\u0301\u0327", 3000), (" ", 10000),
                          ("!", 2000), ("中", 2000), ("🚀", 2000), ("ab ", 2000), ("[MASK]", 1000), ("[", 5000),
                          ("\u200d", 10000), ("0123456789", 1000), ("가", 100), ("각", 101), ("각", 34), ("\u302e\u302f", 2000)):
        yield repeat, times


def random_code_points(rng):
    for low, high in PLANES:
        for _ in range(60):
            points = [rng.randint(low, high) for _ in range(rng.randint(1, 12))]
            yield "random code points", "".join(chr(c) for c in points if not 0xD800 <= c <= 0xDFFF)


def mixes(rng, texts):
    def fragment():
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        return text[start:start + rng.randint(1, 15)]

    def any_code_point():
        low, high = rng.choice(PLANES)
        c = rng.randint(low, high)
        return "" if 0xD800 <= c <= 0xDFFF else chr(c)

    sources = [fragment, fragment, any_code_point, lambda: rng.choice(MARKS), lambda: rng.choice(DECOMPOSING),
               lambda: rng.choice(SPECIALS + ALMOST_SPECIALS), lambda: rng.choice(EMOJI), lambda: rng.choice(SPACES),
               lambda: rng.choice(INVISIBLE), lambda: rng.choice(list(SENTENCES.values()))[:rng.randint(1, 20)]]
    for _ in range(800):
        yield "mix", "".join(rng.choice(sources)() for _ in range(rng.randint(1, 20)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="Hugging Face model directory")
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="JSON lines with a text each")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    texts = [json.loads(line)["text"] for line in arguments.corpus.read_text(encoding="utf-8").splitlines()]
    file = arguments.model / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    rng = random.Random(SEED)
    cases = [{"kind": kind, "text": text}
             for source in (prose(texts), scripts(), specials(), emoji(), spaces_and_controls(), piles(rng),
                            random_code_points(rng), mixes(rng, texts))
             for kind, text in source]
    cases += [{"kind": "long run", "repeat": repeat, "times": times} for repeat, times in long_runs()]
    inputs = [case["text"] if "text" in case else case["repeat"] * case["times"] for case in cases]
    for case, encoding in zip(cases, tokenizer.encode_batch(inputs)):
        case["ids"] = encoding.ids

    about = {"made_by": pathlib.Path(__file__).name, "tokenizers": tokenizers.__version__, "cases": len(cases),
             "tokenizer_json_sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    with arguments.output.open("w", encoding="ascii") as output:
        for line in [about] + cases:
            output.write(json.dumps(line, separators=(",", ":")) + "\n")
    print(f"{len(cases)} cases, {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
