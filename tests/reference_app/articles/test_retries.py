"""The articles on retries and fallbacks: whom they help, and how many calls they make."""

import asyncio
import gc

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableBranch, RunnableLambda

from reference_app.as_published.answers import laid_by
from reference_app.as_published.retrying import RetryingOllama
from tests.reference_app.articles.conftest import QUICK

HOWS = {
    "invoke": lambda model, text: model.invoke(text),
    "ainvoke": lambda model, text: asyncio.run(model.ainvoke(text)),
    "stream": lambda model, text: list(model.stream(text)),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("how", HOWS)
def test_the_published_client_retries_nothing(community_ollama, how, prompts):
    """Article A's third patch: LangChain answers without the `_acall` that holds its retries."""
    one = community_ollama(RetryingOllama, wait_s=0.01)
    before = len(prompts.seen)
    with pytest.raises(ValueError, match="status code 503"):
        HOWS[how](one.model, f"n=2 status=503 {how}")

    assert len(prompts.seen) - before == 1
    del one
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")
def test_the_published_client_closes_nothing(community_ollama):
    """Its __del__ makes a task, for which there is no loop: the error goes unheard, the connections stay."""
    one = community_ollama(RetryingOllama)
    client = one.model._client
    with pytest.raises(RuntimeError, match="no running event loop"):
        one.model.__del__()

    assert not client.is_closed
    del one
    gc.collect()


def test_with_retry_makes_three_calls_for_what_cannot_be_helped(chat_ollama):
    """Articles B and C: a 422 by default as a 503. A function that tells them apart is taken, too."""
    calls = {}
    for told, chosen in (("default", {}), ("by status", {"retry_if_exception_type": lambda e: e.status_code == 503})):
        one = chat_ollama()
        with pytest.raises(Exception, match="injected 422"):
            one.model.with_retry(exponential_jitter_params=QUICK, **chosen).invoke("status=422")
        calls[told] = one.calls
    print("calls for a 422:", calls)

    assert calls == {"default": 3, "by status": 1}


def test_retries_of_several_layers_multiply(chat_openai):
    """The SDK's three times LangChain's three."""
    calls = {}
    for sdk in (2, 0):
        one = chat_openai(max_retries=sdk)
        with pytest.raises(Exception, match="injected 503"):
            one.model.with_retry(exponential_jitter_params=QUICK).invoke("status=503 ra=0.01")
        calls[f"max_retries={sdk}"] = one.calls
    print("calls for one request:", calls)

    assert calls == {"max_retries=2": 9, "max_retries=0": 3}


def test_chat_ollama_forgets_when_to_come_again(chat_ollama):
    """Article C wants Retry-After obeyed: the error has the status and no headers."""
    with pytest.raises(Exception, match="injected 429") as met:
        chat_ollama().model.invoke("status=429 ra=7")

    assert met.value.status_code == 429
    assert not hasattr(met.value, "headers") and not hasattr(met.value, "response") and "7" not in str(met.value)


def test_a_laid_by_answer_gets_no_dictionary_and_hides_its_own_error(chat_ollama):
    """Article C's llm.with_fallbacks([RunnableLambda(f)]): f fails at once, and the user reads of the first failure."""
    seen = []

    def asked(given):
        seen.append(given)
        return laid_by(given)

    chain = ChatPromptTemplate.from_template("{question}") | chat_ollama().model.with_fallbacks([RunnableLambda(asked)])
    with pytest.raises(Exception, match="injected 503") as met:
        chain.invoke({"question": "status=503"})
    assert not isinstance(seen[0], dict) and not isinstance(met.value, TypeError)

    whole = ChatPromptTemplate.from_template("{question}") | chat_ollama().model
    assert whole.with_fallbacks([RunnableLambda(laid_by)]).invoke({"question": "status=503"}).startswith("No answer to status")


def test_a_branch_hands_its_dictionary_on_to_the_model(chat_ollama):
    """Article B's RunnableBranch of two models: a model takes no dictionary, a prompt before it does."""
    model = chat_ollama().model
    prompt = ChatPromptTemplate.from_template("{question}")

    with pytest.raises(ValueError, match="Invalid input type <class 'dict'>"):
        RunnableBranch((lambda asked: True, model), model).invoke({"question": "n=2"})
    branch = RunnableBranch((lambda asked: True, prompt | model), prompt | model)
    assert branch.invoke({"question": "n=2"}).text == "w0 w1"


def test_a_batch_is_as_many_calls_as_it_has_questions(chat_ollama):
    """Article B: no call is saved, and one failure is everybody's unless asked otherwise."""
    one = chat_ollama()
    questions = ["n=2", "status=422", "n=3"]
    with pytest.raises(Exception, match="injected 422"):
        one.model.batch(questions)
    told = one.model.batch(questions, return_exceptions=True)

    assert one.calls == 6 and [isinstance(answer, Exception) for answer in told] == [False, True, False]
