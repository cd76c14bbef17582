"""An ASGI application for uvicorn, which handles SIGTERM and SIGINT by itself: it stops accepting, and
waits for open connections and tasks, at most for --timeout-graceful-shutdown."""

import asyncio
from urllib.parse import parse_qs

CHUNK = b"x" * 64 * 1024


async def app(scope, receive, send):
    if scope["type"] == "http":
        route = ROUTES.get((scope["method"].replace("HEAD", "GET"), scope["path"]), not_found)
        await route(scope, receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)


async def lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def start(send, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def text(send, body, status=200):
    await start(send, status, [(b"content-length", str(len(body)).encode())])
    await send({"type": "http.response.body", "body": body})


def number(scope, name):
    return int(parse_qs(scope["query_string"].decode())[name][0])


async def root(scope, receive, send):
    await text(send, b"Hello, world!")


async def not_found(scope, receive, send):
    await text(send, b"not found\n", 404)


async def slow(scope, receive, send):
    ms = number(scope, "ms")
    await asyncio.sleep(ms / 1000)
    await text(send, f"waited {ms} ms\n".encode())


async def download(scope, receive, send):
    await start(send)
    left = number(scope, "bytes")
    while left > 0:
        await send({"type": "http.response.body", "body": CHUNK[:left], "more_body": True})
        left -= len(CHUNK)
    await send({"type": "http.response.body", "body": b""})


async def upload(scope, receive, send):
    received, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        received += len(message.get("body", b""))
        more = message.get("more_body", False)
    await text(send, f"{received} bytes\n".encode())


async def events(scope, receive, send):
    await start(send, 200, [(b"content-type", b"text/event-stream")])
    left = asyncio.create_task(gone(receive))
    while not left.done():
        await send({"type": "http.response.body", "body": b"data: tick\n\n", "more_body": True})
        await asyncio.sleep(0.1)


async def gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        body = {key: message[key] for key in ("text", "bytes") if message.get(key) is not None}
        await send({"type": "websocket.send", **body})


ROUTES = {
    ("GET", "/"): root,
    ("GET", "/slow"): slow,
    ("GET", "/download"): download,
    ("POST", "/upload"): upload,
    ("GET", "/events"): events,
}
