import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.util.log.Log;
import org.eclipse.jetty.util.log.StdErrLog;

/** java-web: servlets on Jetty, warmed up until their code is compiled; nothing of Catalyzer in it. */
public final class Web {
    public static void main(String[] arguments) throws Exception {
        StdErrLog log = new StdErrLog();
        log.setLevel(StdErrLog.LEVEL_WARN);
        Log.setLog(log);
        Server server = new Server(Integer.parseInt(System.getenv().getOrDefault("PORT", "8080")));
        ServletContextHandler context = new ServletContextHandler(ServletContextHandler.NO_SESSIONS);
        context.addServlet(new ServletHolder(new Hello()), "");
        context.addServlet(new ServletHolder(new Sort()), "/sort");
        server.setHandler(context);
        server.start();
        server.join();
    }

    private static final class Hello extends HttpServlet {
        private final AtomicLong requests = new AtomicLong();

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/plain");
            response.getWriter().print("hello from Jetty " + Server.getVersion() + ", request "
                    + requests.incrementAndGet() + "\n");
        }
    }

    /** The sort that the benchmark times: `n` numbers from a fixed generator, and a check sum of the result. */
    private static final class Sort extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String asked = request.getParameter("n");
            int[] numbers = new int[asked == null ? 10_000 : Math.min(Integer.parseInt(asked), 10_000_000)];
            int state = 7;
            for (int i = 0; i < numbers.length; i++) {
                state = state * 1_664_525 + 1_013_904_223;
                numbers[i] = state;
            }
            Arrays.sort(numbers);
            CRC32 sum = new CRC32();
            for (int number : numbers) {
                sum.update(number);
                sum.update(number >> 8);
            }
            response.setContentType("text/plain");
            response.getWriter().print(numbers.length + " numbers, check sum " + sum.getValue() + "\n");
        }
    }
}
