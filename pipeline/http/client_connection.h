// One connection to a target: opened once, then one exchange after the other. Lives on its loop's
// thread; owned by the fetch that uses it or by the pool of idle ones.
#pragma once

#include "pipeline/http/io_loop.h"
#include "pipeline/http/message_reader.h"
#include "pipeline/http/stream.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::http {

/// Read buffers shared by the connections of one loop, so that idle ones hold none.
class buffer_pool {
 public:
  static constexpr size_t small_size = 4 << 10;
  static constexpr size_t large_size = 64 << 10;
  std::unique_ptr<char[]> take(size_t size);
  void give(std::unique_ptr<char[]> buffer, size_t size);
  bool has_large() const { return !large_.empty(); }

 private:
  std::vector<std::unique_ptr<char[]>> small_;
  std::vector<std::unique_ptr<char[]>> large_;
};

/// Whoever uses the connection now. It may destroy the connection in both calls.
class connection_user {
 public:
  virtual ~connection_user() = default;
  virtual void on_open(const status& s) = 0;
  virtual void on_response(const status& s) = 0;
};

class client_connection final : public stream_events {
 public:
  client_connection(io_loop& loop, buffer_pool& buffers, uint64_t pool_key);
  ~client_connection() override;

  void use_by(connection_user* user) { user_ = user; }
  void open(const std::string& address, uint16_t port, std::optional<client_tls> tls);
  int open_error() const { return stream_.open_error(); }

  struct exchange {
    reader_limits limits;
    std::shared_ptr<byte_budget> budget;
    bool to_head = false;
    bool want_headers = false;
  };
  /// `text` is head and body as they go out; it is taken only if the socket does not take it at
  /// once.
  void send(exchange what, std::string& text);

  response_reader& response() { return response_; }
  /// Bytes read for the exchange.
  uint64_t wire_bytes() const { return wire_bytes_; }
  /// Another exchange may follow.
  bool reusable() const { return reusable_; }
  bool stale() const { return stream_.stale(); }
  uint64_t pool_key() const { return pool_key_; }

  int64_t idle_since_ns = 0;  ///< for the pool

 private:
  void on_connect(const status& s) override;
  void on_read(const status& s, size_t n) override;
  void on_write(const status& s) override;
  void read_on();
  /// False once the exchange has ended and the user was told.
  bool consume();
  void finish(const status& s);
  void release_buffer();

  buffer_pool& buffers_;
  const uint64_t pool_key_;
  connection_user* user_ = nullptr;
  response_reader response_;
  std::string out_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t filled_ = 0;
  uint64_t wire_bytes_ = 0;
  exchange now_;
  int interim_ = 0;
  bool writing_ = false;
  bool reusable_ = false;
  bool filled_small_ = false;  ///< the last answer was longer than a small buffer
  stream stream_;
};

}  // namespace troupe::http
