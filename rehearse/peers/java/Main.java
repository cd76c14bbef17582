import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * The JDK's HttpServer as its documentation leaves: a shutdown hook calls {@code stop}, which closes the
 * listening socket and blocks "until all current exchange handlers have completed or else when
 * approximately delay seconds have elapsed".
 */
public final class Main {
    /** Within the grace period of 8 s that conformance gives it. */
    private static final int DELAY = 6;

    private Main() {}

    public static void main(String[] args) throws IOException {
        Map<String, String> env = System.getenv();
        String host = env.getOrDefault("HOST", "127.0.0.1");
        int port = Integer.parseInt(env.getOrDefault("PORT", "8080"));
        HttpServer server = HttpServer.create(new InetSocketAddress(host, port), 128);
        server.createContext("/", Main::root);
        server.createContext("/slow", Main::slow);
        server.createContext("/download", Main::download);
        server.createContext("/upload", Main::upload);
        server.createContext("/events", Main::events);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(DELAY)));
    }

    private static int number(HttpExchange exchange) {
        String query = exchange.getRequestURI().getQuery();
        return Integer.parseInt(query.substring(query.indexOf('=') + 1));
    }

    private static void text(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, isHead ? -1 : body.length);
        if (!isHead) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private static void root(HttpExchange exchange) throws IOException {
        boolean found = exchange.getRequestURI().getPath().equals("/");
        text(exchange, found ? 200 : 404, found ? "Hello, world!" : "not found\n");
    }

    private static void slow(HttpExchange exchange) throws IOException {
        int ms = number(exchange);
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        text(exchange, 200, "waited " + ms + " ms\n");
    }

    private static void download(HttpExchange exchange) throws IOException {
        byte[] chunk = new byte[64 * 1024];
        Arrays.fill(chunk, (byte) 'x');
        // A length of 0 is chunked.
        exchange.sendResponseHeaders(200, 0);
        for (int left = number(exchange); left > 0; left -= chunk.length) {
            exchange.getResponseBody().write(chunk, 0, Math.min(left, chunk.length));
        }
        exchange.close();
    }

    private static void upload(HttpExchange exchange) throws IOException {
        long bytes = 0;
        byte[] buffer = new byte[64 * 1024];
        for (int read; (read = exchange.getRequestBody().read(buffer)) >= 0; ) {
            bytes += read;
        }
        text(exchange, 200, bytes + " bytes\n");
    }

    private static void events(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        exchange.sendResponseHeaders(200, 0);
        byte[] tick = "data: tick\n\n".getBytes(StandardCharsets.UTF_8);
        try (exchange) {
            while (true) {
                exchange.getResponseBody().write(tick);
                exchange.getResponseBody().flush();
                Thread.sleep(100);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
