// CPU per fetch: a child process serves small bodies on kept-alive connections, this one fetches
// them at a steady rate in slots of 10 ms and prints its own CPU time (getrusage) per fetch.
// http_bench [requests per second] [targets] [seconds] [body bytes]
#include "config/http_client_config.h"
#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/endpoint.h"
#include "storage/base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

using namespace troupe;

/// Answers every read with the same bytes; the requests are small and come one at a time.
[[noreturn]] void serve(int listener, const std::string& answer) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int poll = epoll_create1(0);
  epoll_event ev{EPOLLIN, {}};
  ev.data.fd = listener;
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &ev);
  epoll_event events[256];
  char buffer[4096];
  for (;;) {
    int n = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < n; ++i) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int c = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        int one = 1;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        ev.data.fd = c;
        epoll_ctl(poll, EPOLL_CTL_ADD, c, &ev);
      } else if (read(fd, buffer, sizeof buffer) <= 0 ||
                 write(fd, answer.data(), answer.size()) < 0) {
        close(fd);
      }
    }
  }
}

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct load {
  size_t rate;
  size_t targets;
  size_t seconds;
};

void run(http::asio_fetcher& f, const std::vector<http::endpoint_ptr>& to, const load& l) {
  std::atomic<size_t> done{0};
  std::atomic<size_t> failed{0};
  auto collect = [&](std::vector<http::fetch_result> got) {
    for (const auto& r : got)
      if (!r.error.ok() || r.code != 200)
        ++failed;
    done += got.size();
  };
  auto start = std::chrono::steady_clock::now();
  size_t slots = l.seconds * 100;
  size_t sent = 0;
  double cpu = 0;
  size_t counted_from = 0;
  for (size_t slot = 0; slot < slots; ++slot) {
    std::this_thread::sleep_until(start + std::chrono::milliseconds(slot * 10));
    // The first round opens the connections.
    if (cpu == 0 && sent >= l.targets) {
      while (done < sent)
        std::this_thread::yield();
      cpu = cpu_seconds();
      counted_from = sent;
    }
    size_t n = l.rate * (slot + 1) / 100 - sent;
    std::vector<http::fetch_request> batch(n);
    for (auto& r : batch) {
      r.to = to[sent++ % to.size()];
      r.next_use_ns = std::chrono::steady_clock::now().time_since_epoch().count() + 5'000'000'000;
    }
    f.fetch(std::move(batch), collect);
  }
  while (done < sent)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  double used = cpu_seconds() - cpu;
  auto counts = f.totals();
  std::printf("%zu fetches at %zu/s, %zu failed, %zu connects: %.1f us CPU per fetch\n",
              sent - counted_from, l.rate, failed.load(), static_cast<size_t>(counts.connects),
              used * 1e6 / static_cast<double>(sent - counted_from));
}

}  // namespace

int main(int argc, char** argv) {
  auto arg = [&](int i, size_t otherwise) {
    return argc > i ? static_cast<size_t>(std::atol(argv[i])) : otherwise;
  };
  load l{arg(1, 3000), arg(2, 3000), arg(3, 10)};
  std::string body(arg(4, 900), 'x');
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      listen(listener, 4096) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    return 1;
  std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  pid_t child = fork();
  if (child == 0)
    serve(listener, answer);
  close(listener);
  system_clock clk;
  // Targets with settings of their own do not share connections.
  std::vector<http::endpoint_ptr> to;
  for (size_t i = 0; i < l.targets; ++i)
    to.push_back(*http::make_endpoint(
        "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/metrics",
        *http::make_client_settings(config::http_client_config{}, {nullptr, "bench"}),
        {{"Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}, {"Accept-Encoding", "gzip"}}));
  {
    http::asio_fetcher f({}, clk, nullptr);
    run(f, to, l);
  }
  kill(child, SIGKILL);
  return 0;
}
