#include "pipeline/bench/target_farm.h"

#include "pipeline/http/gzip_encoder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace troupe::bench {
namespace {

constexpr uint32_t first_address = 127U << 24 | 1U << 16;
constexpr size_t max_request_head = 16 << 10;

status failed(const char* what) {
  return {errc::io_error, std::string(what) + ": " + std::strerror(errno)};
}

void append_value(std::string& out, double v) {
  // Go's exporters write integers below 10^21 in full and shortest decimals; any shortest text will
  // do.
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
  out.append(text.data(), end);
}

void append_response(std::string& out, std::string_view type, std::string_view body, bool gzip) {
  out += "HTTP/1.1 200 OK\r\nContent-Type: ";
  out += type;
  if (gzip)
    out += "\r\nContent-Encoding: gzip";
  out += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
}

bool accepts_gzip(std::string_view head) {
  static constexpr std::string_view name = "\r\naccept-encoding:";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t at = 0; at + name.size() <= head.size(); ++at) {
    size_t i = 0;
    while (i < name.size() && lower(head[at + i]) == name[i])
      ++i;
    if (i < name.size())
      continue;
    const auto value = head.substr(at + i, head.find("\r\n", at + i) - at - i);
    return value.find("gzip") != std::string_view::npos;
  }
  return false;
}

}  // namespace

void render_exposition(const profile& shape, std::span<const double> row, std::string& out) {
  out.clear();
  for (const auto& l : shape.lines()) {
    out += l.text;
    if (l.column == profile::line::no_column)
      continue;
    out += ' ';
    append_value(out, row[l.column]);
    out += '\n';
  }
}

target_farm::target_farm(profile_ptr shape, const farm_options& options)
    : shape_(std::move(shape)),
      options_(options),
      targets_(options.targets),
      row_(shape_->width()) {}

target_farm::~target_farm() {
  for (const auto& [fd, c] : connections_)
    close(fd);
  for (const int fd : {listener_, epoll_})
    if (fd >= 0)
      close(fd);
}

status target_farm::open() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (listener_ < 0 || epoll_ < 0)
    return failed("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(options_.port);
  // Every 127.x.y.z; peers from elsewhere are turned away in accept_all().
  a.sin_addr.s_addr = htonl(INADDR_ANY);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0)
    return failed(("port " + std::to_string(options_.port)).c_str());
  socklen_t size = sizeof a;
  if (listen(listener_, 4096) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) != 0)
    return failed("listen");
  port_ = ntohs(a.sin_port);
  watch(listener_, false, true);
  return {};
}

std::string target_farm::instance(size_t target) const {
  const in_addr a{htonl(first_address + static_cast<uint32_t>(target))};
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, &a, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(port_);
}

std::string target_farm::discovery() const {
  std::string out = "[{\"targets\": [";
  for (size_t i = 0; i < targets_.size(); ++i)
    out += (i == 0 ? "\"" : ", \"") + instance(i) + "\"";
  return out + "]}]\n";
}

status target_farm::run(const std::function<bool()>& stop) {
  std::array<epoll_event, 256> events{};
  while (!stop()) {
    const int n = epoll_wait(epoll_, events.data(), events.size(), 200);
    if (n < 0 && errno != EINTR)
      return failed("epoll_wait");
    for (int i = 0; i < n; ++i) {
      const auto& e = events[static_cast<size_t>(i)];
      if (e.data.fd == listener_) {
        accept_all();
        continue;
      }
      const auto at = connections_.find(e.data.fd);
      if (at == connections_.end())
        continue;
      if ((e.events & EPOLLOUT) != 0)
        write_to(e.data.fd, at->second);
      else
        read_from(e.data.fd);
    }
  }
  close(std::exchange(listener_, -1));
  while (!connections_.empty())
    drop(connections_.begin()->first);
  return {};
}

void target_farm::watch(int fd, bool writable, bool fresh) const {
  epoll_event e{};
  e.events = writable ? EPOLLOUT : EPOLLIN;
  e.data.fd = fd;
  epoll_ctl(epoll_, fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e);
}

void target_farm::drop(int fd) {
  close(fd);
  connections_.erase(fd);
}

void target_farm::accept_all() {
  sockaddr_in from{}, to{};
  int fd;
  for (socklen_t size = sizeof from; (fd = accept4(listener_, reinterpret_cast<sockaddr*>(&from),
                                                   &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;
       size = sizeof from) {
    socklen_t to_size = sizeof to;
    const bool known = getsockname(fd, reinterpret_cast<sockaddr*>(&to), &to_size) == 0;
    if (!known || ntohl(from.sin_addr.s_addr) >> 24 != 127) {
      close(fd);
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Addresses that are no target (127.0.0.1) may ask for /sd and /count.
    connections_[fd].target = ntohl(to.sin_addr.s_addr) - first_address;
    watch(fd, false, true);
  }
}

void target_farm::read_from(int fd) {
  std::array<char, 8192> buffer{};
  const ssize_t n = read(fd, buffer.data(), buffer.size());
  if (n < 0 && errno == EAGAIN)
    return;
  auto& c = connections_[fd];
  if (n <= 0)
    return drop(fd);
  c.in.append(buffer.data(), static_cast<size_t>(n));
  if (!answer_all(c))
    return drop(fd);
  write_to(fd, c);
}

bool target_farm::answer_all(connection& c) {
  size_t end;
  while ((end = c.in.find("\r\n\r\n")) != std::string::npos) {
    const std::string_view head(c.in.data(), end + 2);
    if (head.starts_with("GET /count ")) {
      append_response(c.out, "text/plain", std::to_string(counts_.scrapes) + "\n", false);
    } else if (head.starts_with("GET /sd ")) {
      append_response(c.out, "application/json", discovery(), false);
    } else if (head.starts_with("GET /metrics") && c.target < targets_.size()) {
      append_metrics(c, options_.gzip && accepts_gzip(head));
    } else {
      c.out += "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    }
    c.in.erase(0, end + 4);
  }
  return c.in.size() <= max_request_head;
}

void target_farm::append_metrics(connection& c, bool gzip) {
  auto& t = targets_[c.target];
  if (!t.values)
    t.values = shape_->source(options_.seed, c.target);
  t.values->next(row_);
  ++t.rows;
  render_exposition(*shape_, row_, body_);
  ++counts_.scrapes;
  counts_.samples += row_.size();
  if (gzip)
    body_ = http::gzip(body_);
  counts_.wire_bytes += body_.size();
  append_response(c.out, "text/plain; version=0.0.4; charset=utf-8", body_, gzip);
}

void target_farm::write_to(int fd, connection& c) {
  while (!c.out.empty()) {
    const ssize_t n = write(fd, c.out.data(), c.out.size());
    if (n < 0 && errno == EAGAIN)
      break;
    if (n <= 0)
      return drop(fd);
    c.out.erase(0, static_cast<size_t>(n));
  }
  if (c.waits_to_write == c.out.empty()) {
    c.waits_to_write = !c.out.empty();
    watch(fd, c.waits_to_write, false);
  }
}

}  // namespace troupe::bench
