/* sqlite-c: a C server that keeps its count in an SQLite database with a write-ahead log. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sqlite3 *database;

static void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, database ? sqlite3_errmsg(database) : "no database");
    exit(1);
}

static void execute(const char *sql) {
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK) die(sql);
}

/* One transaction a request: a row is added, the rows are counted. */
static int visit(char *body, size_t size) {
    static const char select[] = "SELECT count(*), sum(length(note)) FROM visits";
    sqlite3_stmt *statement;
    execute("BEGIN IMMEDIATE");
    execute("INSERT INTO visits(note) VALUES ('a visitor')");
    if (sqlite3_prepare_v2(database, select, -1, &statement, NULL) != SQLITE_OK) die(select);
    if (sqlite3_step(statement) != SQLITE_ROW) die(select);
    int len = snprintf(body, size, "hello from SQLite %s (WAL), request %d, %d bytes of notes\n", sqlite3_libversion(),
                       sqlite3_column_int(statement, 0), sqlite3_column_int(statement, 1));
    sqlite3_finalize(statement);
    execute("COMMIT");
    return len;
}

/* Reads up to the empty line that ends a request's head. */
static int read_head(int connection, char *head, size_t size) {
    size_t used = 0;
    head[0] = 0;
    while (!strstr(head, "\r\n\r\n")) {
        ssize_t n = used < size - 1 ? read(connection, head + used, size - 1 - used) : 0;
        if (n <= 0) return -1;
        used += (size_t)n;
        head[used] = 0;
    }
    return 0;
}

static void answer(int connection) {
    char head[8192], body[256], reply[512];
    if (read_head(connection, head, sizeof head)) return;
    int known = strncmp(head, "GET / ", 6) == 0;
    int len = known ? visit(body, sizeof body) : snprintf(body, sizeof body, "not found\n");
    len = snprintf(reply, sizeof reply,
                   "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                   known ? "200 OK" : "404 Not Found", len, body);
    for (int sent = 0; sent < len;) {
        ssize_t n = write(connection, reply + sent, (size_t)(len - sent));
        if (n <= 0) return;
        sent += (int)n;
    }
}

int main(void) {
    const char *port = getenv("PORT");
    const char *path = getenv("DATABASE");
    int one = 1;
    signal(SIGPIPE, SIG_IGN);
    if (sqlite3_open(path ? path : "/tmp/visits.db", &database) != SQLITE_OK) die("open");
    execute("PRAGMA journal_mode = WAL");
    execute("CREATE TABLE IF NOT EXISTS visits(id INTEGER PRIMARY KEY, note TEXT)");
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port ? (unsigned short)atoi(port) : 8080), .sin_addr.s_addr = INADDR_ANY};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        answer(connection);
        close(connection);
    }
}
