"""The imports of the articles: what is there today, and under which name."""

import importlib
import subprocess
import sys

import pytest

GONE = [
    "langchain.cache:InMemoryCache",
    "langchain.globals:set_llm_cache",
    "langchain.callbacks:get_openai_callback",
    "langchain.chains:LLMChain",
    "langchain.prompts:PromptTemplate",
    "langchain.chat_models:ChatOpenAI",
    "langchain_community.chat_models.ollama:ChatOllama",
    "langchain_core.runnables:RunnableRetry",
    "langchain_core.runnables:RetryPolicy",
    "langchain_core.callbacks:UsageMetadata",
    "langchain_core.callbacks:CallbackHandler",
    "langchain_core.caches:SemanticSimilarityExactMatchCache",
]
THERE = [
    "langchain_core.caches:InMemoryCache",
    "langchain_core.globals:set_llm_cache",
    "langchain_community.callbacks:get_openai_callback",
    "langchain_classic.chains:LLMChain",
    "langchain_core.prompts:PromptTemplate",
    "langchain_openai:ChatOpenAI",
    "langchain_ollama:ChatOllama",
    "langchain_core.runnables.retry:RunnableRetry",
    "langgraph.types:RetryPolicy",
    "langchain_core.callbacks:UsageMetadataCallbackHandler",
    "langchain_core.callbacks:BaseCallbackHandler",
    "langchain_core.caches:BaseCache",
]


def found(name):
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", GONE)
def test_what_the_articles_import_is_gone(name):
    """As a module, or from it."""
    with pytest.raises((ImportError, AttributeError)):
        found(name)


@pytest.mark.parametrize("name", THERE)
def test_its_place_today(name):
    assert callable(found(name))


def test_the_community_s_package_tells_of_its_own_end():
    """Imported where it is the subject, and nowhere else."""
    code = [sys.executable, "-W", "error", "-c", "import langchain_community"]
    done = subprocess.run(code, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1 and "no longer actively maintained" in done.stderr
