// Plain blocking sockets for tests: a peer that says exactly what it is told, with deadlines
// instead of sleeps.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::http::test {

/// A connected socket; closed at destruction.
class raw_socket {
 public:
  explicit raw_socket(int fd) : fd_(fd) {}
  raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~raw_socket();

  /// Connects to "127.0.0.1:1234"; a receive buffer size makes a slow reader stall early.
  static raw_socket connect(const std::string& address, int receive_buffer = 0);

  /// False if the peer is gone.
  bool send(std::string_view data);
  /// Reads until `text` has been seen, the peer closes or the deadline passes; gives what came.
  std::string read_until(std::string_view text, int deadline_ms = 5000);
  /// Reads until the peer closes or the deadline passes; `ended` tells which.
  std::string read_all(int deadline_ms = 5000, bool* ended = nullptr);
  /// One response with a Content-Length; bytes behind it are kept for the next call.
  std::string read_response(int deadline_ms = 5000);
  void end_sending();
  /// Makes close() reset the connection.
  void reset_on_close();
  void close();
  int fd() const { return fd_; }

 private:
  bool fill(int deadline_ms);
  int fd_;
  std::string kept_;
};

/// Accepts on 127.0.0.1 and runs `serve` for every connection, each on a thread of its own.
class fake_target {
 public:
  using serve_fn = std::function<void(raw_socket&)>;
  explicit fake_target(serve_fn serve);
  ~fake_target();

  std::string address() const;
  std::string url(const std::string& path = "/metrics") const {
    return "http://" + address() + path;
  }
  uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void run();
  serve_fn serve_;
  int fd_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex lock_;  ///< guards live_
  std::set<int> live_;
  std::vector<std::thread> workers_;
  std::thread acceptor_;
};

/// A whole request head from the peer.
std::string read_head(raw_socket& s);
/// "HTTP/1.1 200 OK" with a length and the body.
std::string ok_response(std::string_view body, std::string_view more_headers = "");
/// Resident memory in bytes, and how much it has grown.
int64_t resident_bytes();
/// Nothing under a sanitizer, whose own memory would be counted.
inline int64_t grown_since(int64_t before) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0 * before;
#else
  return resident_bytes() - before;
#endif
}
/// Waits for `cond`, at most `deadline_ms`; true if it came true.
bool eventually(const std::function<bool()>& cond, int deadline_ms = 5000);

}  // namespace troupe::http::test
