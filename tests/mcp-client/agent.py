"""An MCP client that is not ours: the official Python SDK, told by a test which tools to call.

    agent.py MODE stdio COMMAND ARGUMENT...
    agent.py MODE http URL

MODE is how the SDK begins: `auto` (the newest protocol) or `legacy` (the handshake of the older ones). EARNEST_TOKEN is the
token of the delegated key. It reads one JSON object a line and answers each with one:

    {"list": true}                                       what the server says of itself, and its tools
    {"tool": "buy_offer", "arguments": {...}}            what the tool answers

The SDK holds every structured answer to the tool's output schema, and fails where it does not fit.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


def server(kind: str, rest: list[str]):
    token = os.environ["EARNEST_TOKEN"]
    if kind == "stdio":
        return StdioServerParameters(command=rest[0], args=rest[1:], env={"EARNEST_TOKEN": token})
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
    return streamable_http_client(rest[0], http_client=http)


def shown(model) -> dict:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def answer(client: Client, request: dict) -> dict:
    if "list" in request:
        tools = await client.list_tools()
        return {
            "protocol": client.protocol_version,
            "server": shown(client.server_info) if client.server_info else None,
            "instructions": client.instructions,
            "tools": [shown(tool) for tool in tools.tools],
        }
    result = await client.call_tool(request["tool"], request.get("arguments"))
    return {
        "is_error": result.is_error,
        "structured": result.structured_content,
        "text": [block.text for block in result.content if block.type == "text"],
    }


async def main() -> None:
    mode, kind, *rest = sys.argv[1:]
    async with Client(server(kind, rest), mode=mode) as client:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await answer(client, json.loads(line))), flush=True)


asyncio.run(main())
