#include "tests/pipeline/http/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace troupe::http::test {
namespace {

using steady = std::chrono::steady_clock;

int left_ms(steady::time_point until) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now());
  return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

bool readable(int fd, int ms) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, ms) > 0;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

}  // namespace

raw_socket::~raw_socket() {
  close();
}

raw_socket raw_socket::connect(const std::string& address, int receive_buffer) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  auto port = static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str()));
  sockaddr_in at = loopback(port);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
    std::perror("connect");
    std::abort();
  }
  return raw_socket(fd);
}

bool raw_socket::send(std::string_view data) {
  while (!data.empty()) {
    ssize_t n = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    data.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool raw_socket::fill(int deadline_ms) {
  if (!readable(fd_, deadline_ms))
    return false;
  char buffer[65536];
  ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n <= 0)
    return false;
  kept_.append(buffer, static_cast<size_t>(n));
  return true;
}

std::string raw_socket::read_until(std::string_view text, int deadline_ms) {
  auto until = steady::now() + std::chrono::milliseconds(deadline_ms);
  size_t at;
  while ((at = kept_.find(text)) == kept_.npos)
    if (!fill(left_ms(until)))
      return std::exchange(kept_, {});
  std::string out = kept_.substr(0, at + text.size());
  kept_.erase(0, at + text.size());
  return out;
}

std::string raw_socket::read_all(int deadline_ms, bool* ended) {
  auto until = steady::now() + std::chrono::milliseconds(deadline_ms);
  while (fill(left_ms(until))) {
  }
  if (ended != nullptr)
    *ended = left_ms(until) > 0;
  return std::exchange(kept_, {});
}

std::string raw_socket::read_response(int deadline_ms) {
  auto until = steady::now() + std::chrono::milliseconds(deadline_ms);
  std::string head = read_until("\r\n\r\n", deadline_ms);
  size_t at = head.find("Content-Length: ");
  size_t length = at == head.npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
  while (kept_.size() < length)
    if (!fill(left_ms(until)))
      break;
  size_t n = std::min(length, kept_.size());
  head.append(kept_, 0, n);
  kept_.erase(0, n);
  return head;
}

void raw_socket::end_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void raw_socket::reset_on_close() {
  linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void raw_socket::close() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
}

fake_target::fake_target(serve_fn serve) : serve_(std::move(serve)) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(fd_, 1024) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    std::perror("fake_target");
    std::abort();
  }
  port_ = ntohs(at.sin_port);
  acceptor_ = std::thread([this] { run(); });
}

fake_target::~fake_target() {
  stopping_ = true;
  ::shutdown(fd_, SHUT_RDWR);
  acceptor_.join();
  ::close(fd_);
  {
    // Whoever still waits for a client finds it gone.
    std::lock_guard guard(lock_);
    for (int fd : live_)
      ::shutdown(fd, SHUT_RDWR);
  }
  for (auto& w : workers_)
    w.join();
}

std::string fake_target::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void fake_target::run() {
  while (!stopping_) {
    int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      continue;
    ++connections_;
    {
      std::lock_guard guard(lock_);
      live_.insert(fd);
    }
    workers_.emplace_back([this, fd] {
      raw_socket s(fd);
      serve_(s);
      std::lock_guard guard(lock_);
      live_.erase(fd);
      s.close();
    });
  }
}

std::string read_head(raw_socket& s) {
  return s.read_until("\r\n\r\n", 10'000);
}

std::string ok_response(std::string_view body, std::string_view more_headers) {
  std::string out = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ";
  out += std::to_string(body.size());
  out += "\r\n";
  out += more_headers;
  out += "\r\n";
  out += body;
  return out;
}

int64_t resident_bytes() {
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  int got = f != nullptr ? std::fscanf(f, "%lu %lu", &total, &resident) : 0;
  if (f != nullptr)
    std::fclose(f);
  return got == 2 ? static_cast<int64_t>(resident) * ::sysconf(_SC_PAGESIZE) : 0;
}

bool eventually(const std::function<bool()>& cond, int deadline_ms) {
  auto until = steady::now() + std::chrono::milliseconds(deadline_ms);
  while (!cond()) {
    if (steady::now() >= until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace troupe::http::test
