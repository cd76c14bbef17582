"""httpx: one AsyncClient, over HTTP/2 by prior knowledge if asked."""

import asyncio

import httpx
from common import HTTP2, METHOD, PATIENCE, PAYLOAD, URL, run


async def main():
    async with httpx.AsyncClient(http1=not HTTP2, http2=HTTP2, timeout=PATIENCE) as client:

        async def ask():
            response = await client.request(METHOD, URL, content=PAYLOAD)
            return response.status_code, response.text

        await run(ask, httpx.HTTPError)


asyncio.run(main())
