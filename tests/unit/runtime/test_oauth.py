"""Tokens are kept for four fifths of their life, and asked for again behind it."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaConnectionError

from runtime.oauth import OAuthClient, Token, TokenProvider, fetch_token

CLIENT = OAuthClient("http://127.0.0.1:9/token", "c", "quiet")


class Endpoint:
    """Counts what it gives out."""

    def __init__(self) -> None:
        self.seconds, self.given = 100.0, 0

    def __call__(self, _: OAuthClient) -> Token:
        self.given += 1
        return Token(f"token-{self.given}", 60.0)


def test_a_token_is_kept_for_four_fifths_of_its_life() -> None:
    endpoint = Endpoint()
    provider = TokenProvider(CLIENT, endpoint, lambda: endpoint.seconds)
    assert provider.current() == Token("token-1", 60.0)
    endpoint.seconds += 47
    assert provider.current() == Token("token-1", 13.0)
    endpoint.seconds += 1
    assert provider.current() == Token("token-2", 60.0)


async def test_aiokafka_gets_the_text_alone() -> None:
    endpoint = Endpoint()
    assert await TokenProvider(CLIENT, endpoint, lambda: endpoint.seconds).token() == "token-1"


def test_an_endpoint_that_is_away_is_told_with_its_key_and_without_the_secret() -> None:
    with pytest.raises(KafkaConnectionError, match=r"kafka.security.oauth.token_url: no token from") as caught:
        fetch_token(CLIENT)
    assert "quiet" not in str(caught.value)
