"""requests: one Session, as its documentation has it, for as many threads as there are workers."""

import threading
import time

import requests
from common import METHOD, PATIENCE, PAYLOAD, URL, WORKERS, Books, think


def worker(books, session):
    while True:
        time.sleep(think())
        if books.stopped:
            return
        try:
            response = session.request(METHOD, URL, data=PAYLOAD, timeout=PATIENCE)
            books.answered(response.status_code, response.text)
        except requests.RequestException as error:
            books.failed(error)


books, session = Books(), requests.Session()
threads = [threading.Thread(target=worker, args=(books, session)) for _ in range(WORKERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
books.close()
