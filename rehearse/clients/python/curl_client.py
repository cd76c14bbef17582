"""libcurl's multi interface: one multi handle, one easy handle for each worker."""

import io
import time

import pycurl
from common import HTTP2, METHOD, PATIENCE, PAYLOAD, URL, WORKERS, Books, think


class Worker:
    def __init__(self):
        self.due = time.monotonic() + think()
        self.body = None
        self.easy = easy = pycurl.Curl()
        easy.worker = self
        easy.setopt(pycurl.URL, URL)
        easy.setopt(pycurl.TIMEOUT, PATIENCE)
        if HTTP2:
            easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
        if METHOD == "POST":
            easy.setopt(pycurl.POSTFIELDS, PAYLOAD)

    def begin(self, multi):
        self.body, self.due = io.BytesIO(), None
        self.easy.setopt(pycurl.WRITEDATA, self.body)
        multi.add_handle(self.easy)

    def end(self, multi):
        multi.remove_handle(self.easy)
        self.due = time.monotonic() + think()


def ended(multi, books):
    left = 1
    while left:
        left, right, wrong = multi.info_read()
        for easy in right:
            text = easy.worker.body.getvalue().decode()
            books.answered(easy.getinfo(pycurl.RESPONSE_CODE), text)
            easy.worker.end(multi)
        for easy, code, message in wrong:
            books.failed(f"curl {code} {message}")
            easy.worker.end(multi)


def main():
    books, multi, active = Books(), pycurl.CurlMulti(), 0
    workers = [Worker() for _ in range(WORKERS)]
    while not (books.stopped and active == 0):
        now = time.monotonic()
        for worker in workers:
            if worker.due is not None and worker.due <= now and not books.stopped:
                worker.begin(multi)
        _, active = multi.perform()
        ended(multi, books)
        # Until something arrives, or the next worker may be due; without a socket it does not wait.
        if multi.select(0.01) == -1:
            time.sleep(0.01)
    books.close()


main()
