"""How hard a question looks: points for what can be named, so that a decision can be read and argued with.

No model is asked: that would cost what is to be saved, and delay each first word. What it cannot see is a short question that
is hard ("Is P equal to NP?"), and a plain one in grand words.
"""

import re
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from reference_app.tokens import tokens_of, tokens_of_all

LONG_TOKENS, VERY_LONG_TOKENS = 120, 600
HISTORY_TOKENS, HISTORY_TURNS = 1_500, 6
TOOLS = 2
"""A small model's calls of tools are wrong more often than its words."""

_QUESTIONS = re.compile("[?？]+")
# Each repetition has a bound: a text made for it would hold up everybody else's otherwise.
_CODE = re.compile(
    r"```|Traceback|\b(?:def|class|import|function|const|SELECT|FROM|WHERE|#include)\b.{0,80}[({:;*=]|[{};][ \t]{0,8}$|=>|->|=="
    r"|\b\w{1,40}\(\w{0,40}\)",
    re.MULTILINE,
)
_MATHS = re.compile(
    r"\d ?[+*×÷^=<>] ?\d|\d [-/] \d|[∑∫√∂≤≥≠±]|\b[xyz] ?[\^²=]|\\(?:frac|sum|int)\b|方程|积分|导数|矩阵|概率",
)
_STEPS = re.compile(r"^[ \t]{0,8}(?:\d{1,3}[.)、]|[-*•]|[(（]?[一二三四五六七八九十]{1,3}[)）、.])[ \t]{0,8}\S", re.MULTILINE)
_REASONING = re.compile(
    r"\b(?:why|explain|prove|proof|derive|analy[sz]e|analysis|compare|comparison|contrast|evaluate|assess|argue|critique|justify|"
    r"design|architect|architecture|plan|strategy|optimi[sz]e|refactor|debug|diagnose|implement|algorithm|complexity|trade-?offs?|"
    r"pros and cons|step by step|root cause|implications?|consequences?|review|essay|reason(?:ing)?|solve|calculate|estimate|"
    r"what if|how would you|in detail)\b"
    r"|为什么|为何|解释|证明|推导|推理|分析|比较|对比|区别|评估|评价|论证|论述|权衡|利弊|优缺点|设计|架构|方案|规划|策略|优化|重构|调试|"
    r"排查|诊断|实现|算法|复杂度|一步一步|逐步|步骤|根本原因|根因|影响|后果|综述|计算|求解|详细|如果.{1,20}会",
    re.IGNORECASE,
)


def complexity(messages: Sequence[BaseMessage], with_tools: bool = False) -> dict[str, int]:
    """The points of the last question and of what it refers to, by their reason; {} looks as simple as can be.

    >>> from langchain_core.messages import HumanMessage
    >>> complexity([HumanMessage("What is the capital of France?")])
    {}
    >>> complexity([HumanMessage("为什么天空是蓝色的?请详细分析")])
    {'reasoning': 3}
    """
    last = next((one.text for one in reversed(messages) if isinstance(one, HumanMessage)), "")
    points = {**_of_the_question(last), **_of_the_rest(messages)}
    if with_tools or isinstance(messages[-1], ToolMessage):
        points["tools"] = TOOLS
    return {reason: count for reason, count in points.items() if count}


def _of_the_question(text: str) -> dict[str, int]:
    tokens = tokens_of(text)
    words = {found.lower() for found in _REASONING.findall(text)}
    return {
        "length": (tokens > LONG_TOKENS) + (tokens > VERY_LONG_TOKENS),
        "questions": min(2, max(0, len(_QUESTIONS.findall(text)) - 1)),
        "steps": min(2, max(0, len(_STEPS.findall(text)) - 1)),
        "code": 2 * bool(_CODE.search(text)),
        "maths": 2 * bool(_MATHS.search(text)),
        # One alone is reason enough: who asks why wants more than a word.
        "reasoning": min(3, len(words) + bool(words)),
    }


def _of_the_rest(messages: Sequence[BaseMessage]) -> dict[str, int]:
    turns = sum(isinstance(one, AIMessage) for one in messages)
    return {"history": (turns >= HISTORY_TURNS) + (turns > 0 and tokens_of_all(messages) > HISTORY_TOKENS)}
