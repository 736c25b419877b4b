// Serves any number of scrape targets: one listening socket on all of 127.0.0.0/8, one thread,
// epoll, kept-alive connections. Every scrape gets the same series with moving values. For load
// tests on this machine only. usage: target_farm PORT LINES    GET /count answers the number of
// scrapes so far.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

namespace {

std::string body(size_t lines, uint64_t n) {
  std::string out = "# HELP farm_value A value.\n# TYPE farm_value gauge\n";
  for (size_t i = 0; i < lines; ++i)
    out += "farm_value{line=\"" + std::to_string(i) + "\",text=\"some label value\"} " +
           std::to_string(i % 3 ? i : n + i) + "\n";
  return out;
}

std::string response(const std::string& text) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\n\r\n" + text;
}

class farm {
 public:
  farm(uint16_t port, size_t lines) : lines_(lines) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr =
        htonl(INADDR_ANY);  // every 127.x.y.z; peers from elsewhere are turned away in accept_all()
    if (bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 ||
        listen(listener_, 4096) != 0) {
      std::perror("bind");
      std::exit(1);
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    add(listener_);
  }

  void run() {
    epoll_event events[256];
    while (true) {
      int n = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < n; ++i) {
        if (events[i].data.fd == listener_)
          accept_all();
        else
          serve(events[i].data.fd);
      }
    }
  }

 private:
  void add(int fd) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
  }

  void accept_all() {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    int fd;
    while ((fd = accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      if (ntohl(from.sin_addr.s_addr) >> 24 != 127) {
        close(fd);
        continue;
      }
      int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      add(fd);
    }
  }

  void serve(int fd) {
    char buf[8192];
    ssize_t n = read(fd, buf, sizeof buf);
    if (n <= 0) {
      close(fd);
      partial_.erase(fd);
      return;
    }
    std::string& in = partial_[fd];
    in.append(buf, static_cast<size_t>(n));
    size_t end;
    std::string out;
    while ((end = in.find("\r\n\r\n")) != std::string::npos) {
      bool count = in.compare(0, 10, "GET /count") == 0;
      in.erase(0, end + 4);
      out += response(count ? std::to_string(scrapes_) + "\n" : body(lines_, ++scrapes_));
    }
    if (in.empty())
      partial_.erase(fd);
    // Bodies are far below the socket buffer; a peer that does not read them is dropped.
    if (!out.empty() && write(fd, out.data(), out.size()) != static_cast<ssize_t>(out.size())) {
      close(fd);
      partial_.erase(fd);
    }
  }

  size_t lines_;
  int listener_ = -1, epoll_ = -1;
  uint64_t scrapes_ = 0;
  std::unordered_map<int, std::string> partial_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  rlimit l{};
  getrlimit(RLIMIT_NOFILE, &l);
  l.rlim_cur = l.rlim_max;
  setrlimit(RLIMIT_NOFILE, &l);
  farm(static_cast<uint16_t>(std::atoi(argv[1])), static_cast<size_t>(std::atoi(argv[2]))).run();
}
