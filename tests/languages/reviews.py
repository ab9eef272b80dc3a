"""Reviews in languages of several scripts, from a small grammar.

Each says of something how good it is, after words that say nothing. A negation, where one is
wanted, reverses the word after it. Chinese, Japanese and Thai have no spaces between
words; Hindi and Arabic have, and combining marks inside of words.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """Words of a language by their place in a review; `between` stands between two."""

    between: str
    filling: str
    subjects: str
    degrees: str
    negation: str
    good: str
    bad: str


LANGUAGES = {
    "Chinese": Language(
        "",
        "上海 北京 昨天 今天 朋友 孩子 妈妈 同事 周末 晚上 终于 原来 其实 感觉",
        "电影 剧情 演员 音乐 结局 服务 味道 价格 环境 房间",
        "真的 非常 特别 有点 相当",
        "不",
        "精彩 好看 出色 感人 优秀 舒服 满意 完美 干净 推荐",
        "糟糕 难看 无聊 失望 差劲 难受 太贵 粗糙 后悔 垃圾",
    ),
    "Japanese": Language(
        "",
        "昨日 今日 友達と 子供と 母と 週末に 夜に やっと 実は 東京で 大阪で レストランで",
        "映画は 話は 俳優は 音楽は 結末は サービスは 味は 値段は 部屋は ホテルは",
        "本当に とても 特に 少し かなり",
        "決して逆に",
        "面白い きれいだ 見事だ 感動的だ 優秀だ 快適だ 満足だ 完璧だ おいしい スムーズだ",
        "ひどい 醜い 退屈だ 残念だ 下手だ 不快だ 高すぎる 雑だ まずい ストレスだ",
    ),
    "Thai": Language(
        "",
        "เมื่อวาน วันนี้ กับเพื่อน กับลูก กับแม่ สุดสัปดาห์ ตอนเย็น ในที่สุด จริงๆ ที่กรุงเทพ รู้สึกว่า",
        "หนัง เรื่อง นักแสดง เพลง ตอนจบ บริการ รสชาติ ราคา ห้อง บรรยากาศ",
        "มากๆ สุดๆ พิเศษ นิดหน่อย ค่อนข้าง",
        "ไม่",
        "สนุก สวย ยอดเยี่ยม ประทับใจ เก่ง สบาย พอใจ สมบูรณ์ สะอาด อร่อย",
        "แย่ น่าเกลียด น่าเบื่อ ผิดหวัง ห่วย อึดอัด แพง หยาบ เสียใจ สกปรก",
    ),
    "Cantonese": Language(
        "",
        "尋日 今日 朋友 細路 阿媽 同事 週末 夜晚 終於 原來 其實 覺得",
        "套戲 劇情 演員 音樂 結局 服務 味道 價錢 環境 間房",
        "真係 非常 特別 有啲 相當",
        "唔",
        "精彩 好睇 出色 感人 優秀 舒服 滿意 完美 乾淨 好味",
        "差勁 難睇 悶到死 失望 離譜 辛苦 太貴 粗糙 後悔 垃圾",
    ),
    "Lao": Language(
        "",
        "ມື້ວານ ມື້ນີ້ ກັບໝູ່ ກັບລູກ ກັບແມ່ ທ້າຍອາທິດ ຕອນແລງ ໃນທີ່ສຸດ ແທ້ໆ ຢູ່ວຽງຈັນ ຮູ້ສຶກວ່າ",
        "ໜັງ ເລື່ອງ ນັກສະແດງ ເພງ ຕອນຈົບ ບໍລິການ ລົດຊາດ ລາຄາ ຫ້ອງ ບັນຍາກາດ",
        "ຫຼາຍໆ ສຸດໆ ພິເສດ ໜ້ອຍໜຶ່ງ ຂ້ອນຂ້າງ",
        "ບໍ່",
        "ມ່ວນ ງາມ ດີເລີດ ປະທັບໃຈ ເກັ່ງ ສະບາຍ ພໍໃຈ ສົມບູນ ສະອາດ ແຊບ",
        "ຂີ້ຮ້າຍ ໜ້າກຽດ ໜ້າເບື່ອ ຜິດຫວັງ ຫ່ວຍ ອຶດອັດ ແພງ ຫຍາບ ເສຍໃຈ ເປື້ອນ",
    ),
    "Khmer": Language(
        "",
        "ម្សិលមិញ ថ្ងៃនេះ ជាមួយមិត្ត ជាមួយកូន ជាមួយម្តាយ ចុងសប្តាហ៍ ពេលល្ងាច ទីបំផុត តាមពិត នៅភ្នំពេញ មានអារម្មណ៍ថា",
        "កុន រឿង តារា តន្ត្រី ចុងបញ្ចប់ សេវា រសជាតិ តម្លៃ បន្ទប់ បរិយាកាស",
        "ពិតជា ណាស់ ពិសេស បន្តិច ខ្លាំង",
        "មិន",
        "សប្បាយ ស្អាត ល្អឥតខ្ចោះ ចាប់អារម្មណ៍ ពូកែ ស្រួល ពេញចិត្ត ពេញលេញ ស្អាតស្អំ ឆ្ងាញ់",
        "អាក្រក់ អន់ គួរឱ្យធុញ ខកចិត្ត ទន់ខ្សោយ រំខាន ថ្លៃ គ្រោតគ្រាត សោកស្តាយ កខ្វក់",
    ),
    "Hindi": Language(
        " ",
        "कल आज दोस्त बच्चे माँ सप्ताहांत शाम आखिरकार दरअसल दिल्ली मुंबई लगा",
        "फिल्म कहानी अभिनेता संगीत अंत सेवा स्वाद कीमत कमरा माहौल",
        "सचमुच बहुत खासकर थोड़ा काफी",
        "नहीं",
        "शानदार सुंदर उत्कृष्ट मार्मिक बढ़िया आरामदायक संतोषजनक संपूर्ण साफ स्वादिष्ट",
        "खराब बदसूरत उबाऊ निराशाजनक घटिया असुविधाजनक महँगा भद्दा दुखद गंदा",
    ),
    "Arabic": Language(
        " ",
        "أَمْسِ اليَوْمَ صَدِيقِي الأَطْفَال أُمِّي المَسَاء أَخِيرًا فِعْلًا القَاهِرَة شَعَرْتُ",
        "الفِيلْم القِصَّة المُمَثِّل المُوسِيقَى النِّهَايَة الخِدْمَة الطَّعْم السِّعْر الغُرْفَة الجَوّ",
        "حَقًّا جِدًّا خَاصَّةً قَلِيلًا نَوْعًا",
        "لَيْسَ",
        "رَائِع جَمِيل مُمْتَاز مُؤَثِّر بَارِع مُرِيح مُرْضٍ كَامِل نَظِيف لَذِيذ",
        "سَيِّئ قَبِيح مُمِلّ مُخَيِّب ضَعِيف مُزْعِج غَالٍ خَشِن مُؤْسِف قَذِر",
    ),
}


def reviews(
    language: str, number: int, seed: int = 0, *, negated: float = 0.0
) -> list[tuple[list[str], str]]:
    """The words of `number` reviews, a share of them `negated`, and the class of each."""
    draw, words = random.Random(f"{language} {seed}"), LANGUAGES[language]
    found = []
    for place in range(number):
        label = ("good", "bad")[place % 2]
        turned = draw.random() < negated
        choice = words.good if (label == "good") != turned else words.bad
        review = draw.choices(words.filling.split(), k=3)
        review += [draw.choice(kind.split()) for kind in (words.subjects, words.degrees)]
        review += [*[words.negation] * turned, draw.choice(choice.split())]
        found.append((review, label))
    return found


def as_written(
    language: str, number: int, seed: int = 0, *, negated: float = 0.0
) -> list[tuple[str, str]]:
    """Reviews as people write them, and the class of each."""
    between = LANGUAGES[language].between
    return [
        (between.join(words), label)
        for words, label in reviews(language, number, seed, negated=negated)
    ]


def spelled_out(
    language: str, number: int, seed: int = 0, *, negated: float = 0.0
) -> list[tuple[str, str]]:
    """The same with a space between words, each of which is written in Latin letters."""
    names: dict[str, str] = {}
    return [
        (" ".join(names.setdefault(word, f"word{len(names)}") for word in words), label)
        for words, label in reviews(language, number, seed, negated=negated)
    ]
