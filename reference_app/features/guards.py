"""Whether two questions that sound alike may have one answer: what a similarity cannot see, and what costs most when missed.

"100 USD to EUR" and "100 EUR to USD" are nearly the same to any embedding, and so are a sentence and its negation. Each guard
takes one kind of difference out of both questions; where anything remains different, they are two questions. A hit that is
lost costs a call, a wrong one an answer: so in doubt they are.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

VERSION = 1
"""What was measured with other guards says nothing about these."""


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATIONS = words_of(
    "not no never without cannot none neither nor nobody nothing except unless nicht kein keine keinen keiner keinem ohne nie "
    "niemals ne pas sans jamais aucun aucune non sin nunca jamás ningún ninguna não sem nem не нет без никогда nie bez nigdy"
)
_NEGATION_SIGNS = re.compile("[不没沒無无非未别別勿莫否免]|ない|ません|なく|なし|않|없|안 ")

NUMBER_WORDS = words_of(
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred thousand million billion "
    "half quarter third first second last once twice double null eins zwei drei vier fünf sechs sieben acht neun zehn hundert "
    "tausend halb deux trois quatre cinq sept huit neuf dix cent mille dos tres cuatro cinco seis siete ocho nueve diez cien"
)
_NUMBERS = re.compile(r"\d+(?:[.,:/]\d+)*|[零一二三四五六七八九十百千万萬億亿两兩半]+")

UNITS = words_of(
    "usd eur gbp jpy cny rmb chf inr dollar dollars euro euros pound pounds yen yuan rupee rupees cent cents km kilometer "
    "kilometers kilometre kilometres m meter meters metre metres cm mm mile miles yard yards foot feet ft inch inches kg "
    "kilogram kilograms g gram grams mg lb lbs ounce ounces oz ton tons tonne tonnes l liter liters litre litres ml gallon "
    "gallons celsius fahrenheit kelvin c f second seconds minute minutes hour hours day days week weeks month months year "
    "years bit bits byte bytes kb mb gb tb percent volt volts watt watts kwh"
)
_UNIT_SIGNS = re.compile(
    "[%‰$€£¥₹°℃℉]|美元|欧元|歐元|人民币|日元|英镑|公里|英里|千米|米|公斤|千克|磅|斤|吨|小时|分钟|秒|天|周|月|年"
)

OPPOSITES = words_of(
    "enable disable on off open close start stop begin end increase decrease raise lower up down in out buy sell before after "
    "more less most least min max minimum maximum first last safe unsafe dangerous legal illegal import export login logout "
    "install uninstall upgrade downgrade update rollback allow deny permit forbid block unblock subscribe unsubscribe cancel "
    "create delete add remove insert drop join leave push pull upload download encrypt decrypt encode decode lock unlock "
    "accept reject approve decline hot cold left right north south east west above below over under with old new "
    "best worst good bad true false yes always sync async public private local remote ein aus an auf zu kaufen verkaufen vor "
    "nach mehr weniger acheter vendre avant après plus moins comprar vender antes después más menos включить выключить открыть "
    "закрыть"
)
_OPPOSITE_SIGNS = re.compile(
    "开通|取消|打开|关闭|开启|停止|开始|结束|增加|减少|提高|降低|上|下|买|卖|進|进|出|前|后|後|多|少|大|小|高|低|安全|危险|合法|违法|"
    "允许|禁止|登录|退出|安装|卸载|升级|降级|添加|删除|最"
)

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_QUOTED = re.compile(r"[\"“”«»„「『《`]([^\"“”«»„」』》`]+)[\"“”«»„」』》`]")
_NO_CAPITALS = re.compile("[\u0e00-\u0e7f\u0590-\u06ff\u0900-\u0dff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FILLERS = re.compile(
    "请问|請問|怎么样|怎么|怎麼|怎样|如何|什么是|是什么|什么|甚麼|能不能|可不可以|可以|一下|告诉我|我想|我要|吗|嗎|呢|吧|的|了|是|啊|[\\W_]"
)


def may_share(one: str, other: str) -> bool:
    """Whether nothing that a guard looks for tells the two apart."""
    return all(guard(one) == guard(other) for guard in (_numbers, _units, _negations, _opposites, _names, _without_capitals))


def plain(text: str) -> str:
    """One way to write it: no matter which width, case and blanks.

    >>> plain("Ｗhat  IS this？")
    'what is this?'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _words(text: str) -> Iterator[str]:
    return (match[0].replace("’", "'") for match in _WORD.finditer(plain(text)))


def _numbers(text: str) -> list[str]:
    """In their order: from 3 to 5 is not from 5 to 3."""
    text = plain(text)
    return _NUMBERS.findall(text) + [word for word in _words(text) if word in NUMBER_WORDS]


def _units(text: str) -> list[str]:
    """In their order, too, whatever they are glued to: 5km is 5 km."""
    apart = re.sub(r"(?<=\d)(?=[a-z])", " ", plain(text))
    return [word for word in _words(apart) if word in UNITS] + _UNIT_SIGNS.findall(apart)


def _negations(text: str) -> Counter[str]:
    words = ["not" if word.endswith(("n't", "nt")) and len(word) < 9 else word for word in _words(text)]
    return Counter([word for word in words if word in NEGATIONS] + _NEGATION_SIGNS.findall(plain(text)))


def _opposites(text: str) -> Counter[str]:
    return Counter([word for word in _words(text) if word in OPPOSITES] + _OPPOSITE_SIGNS.findall(plain(text)))


def _names(text: str) -> list[str]:
    """What is quoted, and what has a capital where no sentence begins; in its order, for who did it to whom."""
    text = unicodedata.normalize("NFKC", text)
    quoted = [plain(found) for found in _QUOTED.findall(text)]
    names = [
        match[0].casefold()
        for match in _WORD.finditer(text)
        if match[0] != match[0].lower() and match[0] != "I" and not _begins_a_sentence(text, match)
    ]
    return quoted + names


def _begins_a_sentence(text: str, match: re.Match[str]) -> bool:
    """An ordinary word with its capital; "NATO" and "iOS" are names wherever they are."""
    ordinary = match[0][1:] == match[0][1:].lower()
    return ordinary and text[: match.start()].rstrip(" \t\n\"'“«(¿¡")[-1:] in ("", ".", "!", "?", ":", "\n")


def _without_capitals(text: str) -> str:
    """In scripts without capitals a name looks like any word: there, all that is no filler must be the same."""
    text = plain(text)
    return _FILLERS.sub("", text) if _NO_CAPITALS.search(text) else ""
