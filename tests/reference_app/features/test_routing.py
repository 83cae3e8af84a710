"""routing: it wins where most questions are simple; it costs where a question is harder, or simpler, than it looks."""

import time

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from reference_app.features.complexity import complexity

ROUTES = pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
SIMPLE, HARD = "small", "llama3.1"
QUESTIONS = {
    "simple": [
        "What is the capital of France?",
        "Who wrote Hamlet?",
        "Translate 'good morning' into German.",
        "What time is it in Tokyo when it is noon in Paris?",
        "List the colours of the rainbow.",
        "Is a tomato a fruit?",
        "How do I spell 'accommodate'?",
        "Give me a synonym of 'happy'.",
        "When did the second world war end?",
        "What does HTTP stand for?",
        "Where can I change my password?",
        "Thanks, that is all!",
        "法国的首都是哪里?",
        "谁写了《红楼梦》?",
        "你好,今天星期几?",
        "把“早上好”翻译成英文。",
        "水的沸点是多少度?",
        "我的订单什么时候到?",
        "一公里等于多少米?",
        "长江有多长?",
        "请介绍一下你自己。",
    ],
    "hard": [
        "Why do stars twinkle while planets do not? Explain it in detail.",
        "Compare optimistic and pessimistic locking for a booking system.",
        "Prove that the square root of two is irrational.",
        "Design a rate limiter for an API with several data centres.",
        "Here is my code: def f(x): return x + y(x). It raises NameError, find the bug.",
        "Solve x^2 - 5x + 6 = 0 step by step.",
        "What are the pros and cons of a monorepo, and when would you argue against it?",
        "Analyse the causes of the financial crisis and its consequences for central banks.",
        "SELECT name FROM users WHERE id IN (SELECT user_id FROM orders); is slow. How can it be faster?",
        "A train leaves at noon at 80 km/h, another at one at 100 km/h. Calculate when the second passes the first.",
        "Plan a week of meals for four, vegetarian, under 60 euros. 1. breakfasts 2. lunches 3. dinners",
        "Write an essay on freedom in Kant and Mill.",
        "为什么分布式事务很难?请详细分析。",
        "比较乐观锁与悲观锁的优缺点。",
        "证明根号二是无理数。",
        "请设计一个秒杀系统的架构方案。",
        "解方程 x²-5x+6=0,写出步骤。",
        "这段代码 def f(x): return x+y(x) 报错,如何调试?",
        "评估远程办公对团队效率的影响。",
    ],
    "hard, and looks simple": ["Is P equal to NP?", "Does God exist?", "Who is to blame?", "先有鸡还是先有蛋?"],
    "simple, and looks hard": ["Why is it called that?", "What does the word 'algorithm' mean?", "“分析”用英语怎么说?"],
}


def goes_to(question, hard_from=2):
    return SIMPLE if sum(complexity([HumanMessage(question)]).values()) < hard_from else HARD


def bill(app, asked):
    """What these questions cost in all, and how many each model answered."""
    told = [app.ask(question) for question in asked]
    assert {one.status for one in told} == {200}
    models = [one.headers.get("x-model", HARD) for one in told]
    return sum(one.end["usage"]["cost"] for one in told), models.count(SIMPLE)


@pytest.mark.parametrize(("hard_tokens", "least", "most"), [(20, 0.55, 0.70), (80, 0.25, 0.40)])
def test_claim_b3_seven_of_ten_to_the_small_model(app_with, price_list, hard_tokens, least, most):
    """Claimed: -85 %. Of a tenth of the price, seven tenths of equal calls save 63 %, of shorter ones less: never 85 %."""
    simple = [f"n=20 counts=1 {question}" for question in QUESTIONS["simple"][:14]]
    hard = [f"n={hard_tokens} counts=1 {question}" for question in QUESTIONS["hard"][:6]]
    off, _ = bill(app_with("none", prices=price_list), simple + hard)
    on, small = bill(app_with("routing", small_model=SIMPLE, prices=price_list), simple + hard)
    saved = 1 - on / off
    print(
        f"14 of 20 to a model at a tenth of the price, answers of 20 tokens, hard ones of {hard_tokens}: "
        f"{off:.5f} -> {on:.5f} EUR, -{saved:.0%} (claimed -85 %)"
    )

    assert small == 14
    assert least < saved < most


@ROUTES
def test_the_model_and_the_points_are_told(app_with, provider, route):
    """In the headers, in the log with every reason, and counted; served_by stays what it is."""
    app = app_with("routing", small_model=SIMPLE)
    for question, model, score in (("n=2 Who wrote Hamlet?", SIMPLE, "0"), ("n=2 Prove it, and explain why.", HARD, "3")):
        told = app.ask(question, route)
        (seen,), (row,) = provider.of(told.request_id), app.rows("routing", told.request_id)
        assert (told.headers["x-model"], told.headers["x-complexity"], seen.body["model"]) == (model, score, model)
        assert (row["model"], row["score"], row["hard_from"]) == (model, int(score), 2)
        assert row["points"] == ({} if model == SIMPLE else {"reasoning": 3})
        assert (told.end["served_by"], told.end["degraded"]) == ("model", False)
    assert min(app.counted("routing").values()) >= 1


def test_the_users_parameters_are_kept(app_with, provider):
    """Only the name is another."""
    told = app_with("routing", small_model=SIMPLE).ask("n=2", temperature=0.3, top_p=0.5, max_tokens=90, seed=7)
    (seen,) = provider.of(told.request_id)

    assert seen.sampling == {"temperature": 0.3, "top_p": 0.5, "max_tokens": 90, "seed": 7}


def test_each_model_has_its_own_answers_in_the_cache(app_with, provider):
    """What the small one said is not served as the large one's."""
    question = "n=2 Who wrote Macbeth?"
    routed = app_with("routing,cache", small_model=SIMPLE)
    assert [routed.ask(question).end["served_by"] for _ in range(2)] == ["model", "cache"]

    never = app_with("routing,cache", small_model="tiny")
    told = never.ask(question)
    assert (told.end["served_by"], provider.of(told.request_id)[0].body["model"]) == ("model", "tiny")


def test_where_the_small_model_is_down_it_is_for_fallback(app_with, provider):
    """Routing only chooses: without a fallback its questions fail, with one they are answered and marked."""
    question = f"n=2 down={SIMPLE}"
    alone = app_with("routing", small_model=SIMPLE).ask(question)
    told = app_with("routing,fallback", small_model=SIMPLE, fallback_model=HARD).ask(question)

    assert alone.status == 503
    assert [seen.body["model"] for seen in provider.of(told.request_id)] == [SIMPLE, HARD]
    assert (told.status, told.end["served_by"], told.end["degraded"]) == (200, "other model", True)


def test_how_often_it_is_right():
    """Costs: what is hard and looks simple gets a worse answer, what is simple and looks hard a dearer one."""
    right = {
        kind: sum(goes_to(one) == (HARD if kind.startswith("hard") else SIMPLE) for one in asked) / len(asked)
        for kind, asked in QUESTIONS.items()
    }
    print("sent to the right model: " + ", ".join(f"{kind} {share:.0%}" for kind, share in right.items()))

    assert right["simple"] >= 0.9 and right["hard"] >= 0.9
    assert right["hard, and looks simple"] == right["simple, and looks hard"] == 0


@pytest.mark.parametrize(
    ("question", "points"),
    [
        ("Who?", {}),
        ("Who? When? Where? Whence?", {"questions": 2}),
        ("word " * 130, {"length": 1}),
        ("word " * 700, {"length": 2}),
        ("```\nx\n```", {"code": 2}),
        ("What is 17*23?", {"maths": 2}),
        ("It was on 2024-05-01, 3/4 of them came.", {}),
        ("- apples\n- pears\n- plums", {"steps": 2}),
        ("1. Read it.\n2. Sum it up.", {"steps": 1}),
        ("Describe a plane, a whyever and a complanation.", {}),
        ("比较并分析", {"reasoning": 3}),
    ],
)
def test_points(question, points):
    """Each reason by itself; and what only resembles one."""
    assert complexity([HumanMessage(question)]) == points


def test_who_trusts_the_small_model_with_more_sets_the_score(app_with, provider):
    """Three points are less than four."""
    told = app_with("routing", small_model=SIMPLE, routing_score=4).ask("n=2 Prove it, and explain why.")

    assert (told.headers["x-model"], told.headers["x-complexity"]) == (SIMPLE, "3")


def test_what_went_before_counts():
    """A short question after a long talk refers to it; tools are for the large model."""
    talk = [message for number in range(6) for message in (HumanMessage(f"{number}?"), AIMessage("word " * 400))]

    assert complexity([*talk, HumanMessage("And then?")]) == {"history": 2}
    assert complexity([*talk[:2], HumanMessage("And then?")]) == {}
    assert complexity([HumanMessage("Who?")], with_tools=True) == {"tools": 2}
    assert complexity([HumanMessage("Who?"), AIMessage(""), ToolMessage("x", tool_call_id="1")]) == {"tools": 2}


@pytest.mark.parametrize("evil", ["class ", "a", "\n", "1+1a", "{ ", "f(", "1 ", "- ", "如果", "SELECT ", "1. \n"])
def test_no_text_takes_long(evil):
    """A user's text is matched in the loop that serves all others."""
    text, began = (evil * 32_000)[:32_000], time.monotonic()
    complexity([HumanMessage(text)])

    assert time.monotonic() - began < 1


def test_a_model_of_any_name_can_be_told_in_a_header(app_with, provider):
    """A name of other signs than headers have would be a 500."""
    told = app_with("routing", small_model="模型:8b").ask("n=2")

    assert (told.status, told.headers["x-model"]) == (200, "%E6%A8%A1%E5%9E%8B:8b")
    assert provider.of(told.request_id)[0].body["model"] == "模型:8b"


def test_it_does_not_act_where_there_is_no_small_model(app_with):
    """Empty, which is the default."""
    told = app_with("routing").ask("n=1")

    assert "x-model" not in told.headers and app_with("routing").request_row(told.request_id)["features"] == []
