"""The official client of Python talks to `warmer mcp`, in the modes that it has for the eras of the protocol.

    clients.py WARMER MODE QUERY PATH

MODE is `auto`, `legacy` or a version of the protocol for a client of version 2; `1` is a client of version 1. The working
directory is a checkout of a repository that is warm; a search for QUERY is to find the file PATH there. Prints what was
said, and exits with 0 if all of it was right.
"""

import asyncio
import os
import signal
import sys
import tempfile
from contextlib import asynccontextmanager

WARMER, MODE, QUERY, PATH = sys.argv[1:]

TOOLS = ["search", "read", "repositories"]

# Seconds; longer than anything that is waited for takes.
HANG = 60


def check(condition, what):
    if not condition:
        raise SystemExit(f"{MODE}: {what}")


def text(result):
    """The one block of text of an answer."""
    check(len(result.content) == 1 and result.content[0].type == "text", f"not one block of text: {result}")
    structured = getattr(result, "structured_content", getattr(result, "structuredContent", None))
    check(structured is None, f"structured content: {result}")
    return result.content[0].text


def is_error(result):
    return bool(getattr(result, "is_error", getattr(result, "isError", False)))


async def converse(client):
    """What an agent does: it lists the tools, searches, reads what it found, and is told of its mistakes."""
    listed = await client.list_tools()
    check([tool.name for tool in listed.tools] == TOOLS, f"other tools: {listed}")
    found = await client.call_tool("search", {"query": QUERY})
    check(not is_error(found) and PATH in text(found), f"not found: {found}")
    print(text(found))
    read = await client.call_tool("read", {"path": PATH, "lines": "1-3"})
    check(not is_error(read) and "\n1\t" in text(read), f"not read: {read}")
    known = await client.call_tool("repositories", {})
    check(not is_error(known) and " · checked " in text(known), f"not listed: {known}")
    wrong = await client.call_tool("search", {"query": QUERY, "repo": "x"})
    check(is_error(wrong) and "unknown argument `repo`" in text(wrong), f"not refused: {wrong}")
    try:
        answer = await client.call_tool("delete", {})
    except Exception as error:  # the class has another name in each version
        check("no such tool" in str(error), f"another error: {error}")
    else:
        check(False, f"there is no such tool, and it answers: {answer}")
    several = [client.call_tool("search", {"query": QUERY}) for _ in range(4)]
    check(all(PATH in text(answer) for answer in await asyncio.gather(*several)), "not found by each of several")


def server(parameters, pid_file):
    """What starts `warmer mcp`, and leaves its process number in a file."""
    script = 'echo $$ >"$0" && exec "$1" mcp'
    return parameters(command="/bin/sh", args=["-c", script, pid_file, WARMER], env=dict(os.environ))


@asynccontextmanager
async def version_2(pid_file):
    from mcp import Client, StdioServerParameters

    async with Client(server(StdioServerParameters, pid_file), mode=MODE) as client:
        expected = "2025-11-25" if MODE == "legacy" else "2026-07-28"
        check(client.protocol_version == expected, f"speaks {client.protocol_version}")
        yield client


@asynccontextmanager
async def version_1(pid_file):
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    starting = stdio_client(server(StdioServerParameters, pid_file))
    async with starting as (read, write), ClientSession(read, write) as session:
        result = await session.initialize()
        check(result.serverInfo.name == "warmer" and result.instructions, f"another server: {result}")
        yield session


async def killed(client, pid_file):
    """The client is told that its server is gone; it does not wait for it."""
    with open(pid_file) as file:
        os.kill(int(file.read()), signal.SIGKILL)
    try:
        answer = await asyncio.wait_for(client.call_tool("repositories", {}), HANG)
    except asyncio.TimeoutError:
        check(False, "a call waits for a server that was killed")
    except Exception as error:  # the class has another name in each version
        print(f"killed: {error}")
    else:
        check(False, f"the server was killed, and it answers: {answer}")


async def main():
    """Two clients at once; the server of one is killed, and the other goes on."""
    connect = version_1 if MODE == "1" else version_2
    with tempfile.TemporaryDirectory() as directory:
        one, other = (os.path.join(directory, name) for name in ("one", "other"))
        async with connect(one) as survivor:
            done = False
            try:
                async with connect(other) as victim:
                    await asyncio.gather(converse(survivor), converse(victim))
                    done = True
                    await killed(victim, other)
            except Exception as error:
                # A client that was about to write when its server was killed may end in its own way: a broken pipe.
                if not done:
                    raise
                print(f"killed: {error}")
            await converse(survivor)


asyncio.run(main())
