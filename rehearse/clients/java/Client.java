import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

/** java.net.http with its defaults. Its HTTP/2 in the clear is an offer to upgrade. */
final class Client {
    private static final Map<String, String> ENV = System.getenv();
    private static volatile boolean stopped;
    private static long requests;
    private static long right;
    private static final Map<String, Long> FAILURES = new TreeMap<>();

    public static void main(String[] arguments) throws InterruptedException {
        var h2 = ENV.get("PROTOCOL").equals("upgrade");
        var client = HttpClient.newBuilder()
            .version(h2 ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1).build();
        var ending = new Thread(Client::waitForEnd);
        ending.setDaemon(true);
        ending.start();
        var workers = new Thread[number("WORKERS")];
        for (var i = 0; i < workers.length; i++) {
            workers[i] = new Thread(() -> work(client));
            workers[i].start();
        }
        for (var worker : workers) {
            worker.join();
        }
        var failures = FAILURES.entrySet().stream()
            .map(e -> quoted(e.getKey()) + ":" + e.getValue()).collect(Collectors.joining(","));
        System.out.println("{\"requests\":" + requests + ",\"failures\":{" + failures + "}}");
        System.exit(0);
    }

    private static void waitForEnd() {
        try {
            System.in.readAllBytes();
        } catch (IOException gone) {
            // As good as its end.
        }
        stopped = true;
    }

    private static void work(HttpClient client) {
        for (think(); !stopped; think()) {
            String failure;
            try {
                failure = ask(client);
            } catch (IOException | InterruptedException error) {
                failure = error.toString();
            }
            count(failure);
        }
    }

    /** What was wrong with the answer, or nothing. */
    private static String ask(HttpClient client) throws IOException, InterruptedException {
        // Longer than any right answer takes: what is not there by then is lost.
        var request = HttpRequest.newBuilder(URI.create(ENV.get("URL"))).timeout(Duration.ofSeconds(10));
        if (!ENV.get("BODY").equals("none")) {
            request.POST(BodyPublishers.ofString("x".repeat(number("BODY_BYTES"))));
        }
        var response = client.send(request.build(), BodyHandlers.ofString());
        var complete = response.statusCode() == 200 && response.body().contains(ENV.get("EXPECT"));
        return complete ? null : "status " + response.statusCode() + ": " + response.body();
    }

    private static synchronized void count(String failure) {
        requests++;
        if (failure != null) {
            FAILURES.merge(failure, 1L, Long::sum);
        } else if (right++ == 0) {
            System.out.println("up");
        }
    }

    private static void think() {
        try {
            Thread.sleep(ThreadLocalRandom.current()
                .nextInt(number("THINK_MIN_MS"), number("THINK_MAX_MS") + 1));
        } catch (InterruptedException never) {
            throw new AssertionError("nobody interrupts a worker", never);
        }
    }

    private static String quoted(String text) {
        return '"' + text.replaceAll("[\\\\\"\\p{Cntrl}]", " ") + '"';
    }

    private static int number(String name) {
        return Integer.parseInt(ENV.get(name));
    }
}
