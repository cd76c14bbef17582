"""aiohttp: one ClientSession."""

import asyncio

import aiohttp
from common import METHOD, PATIENCE, PAYLOAD, URL, run


async def main():
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def ask():
            async with session.request(METHOD, URL, data=PAYLOAD) as response:
                return response.status, await response.text()

        await run(ask, (aiohttp.ClientError, asyncio.TimeoutError))


asyncio.run(main())
