// A non-blocking byte stream over TCP, plain or TLS, with at most one read and one write under way.
// Lives on its loop's thread; after destruction no event comes any more.
#pragma once

#include "pipeline/http/tls.h"
#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::http {

class io_loop;

/// Events come from the loop, never from inside a call of the stream. The receiver may destroy the
/// stream in any of them.
class stream_events {
 public:
  virtual ~stream_events() = default;
  /// TCP and, where asked for, the TLS handshake are through, or one of them failed.
  virtual void on_connect(const status& s) = 0;
  /// `n` bytes are in the buffer; ok and 0 = the peer has ended its side.
  virtual void on_read(const status& s, size_t n) = 0;
  /// All of a write that did not finish at once is out, or failed.
  virtual void on_write(const status& s) = 0;
};

class stream {
 public:
  stream(io_loop& loop, stream_events& events);
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Connects to an IP address; with `tls` shakes hands as a client.
  void connect(const std::string& address, uint16_t port, std::optional<client_tls> tls);
  /// Takes over an accepted, non-blocking socket; with `tls` shakes hands as a server, then
  /// on_connect comes. Without, the stream is ready at once and no event comes.
  void adopt(int fd, tls_context tls);

  /// `buffer` must live until on_read or the stream's end.
  void read(char* buffer, size_t size);
  /// Writes now what the socket takes. A value = finished (or failed) at once; otherwise on_write
  /// follows and `data` must live until then.
  std::optional<status> write(std::string_view data);
  /// Ends the sending side (TLS: close_notify first).
  void shutdown_write();
  /// Bytes the peer's side has taken so far: grows while a slow reader still reads.
  uint64_t written() const;
  /// True if the peer has closed or sent something while nothing was asked: not fit for reuse.
  bool stale() const;
  /// errno of a failure that meant "no descriptors left" (EMFILE, ENFILE), else 0.
  int open_error() const;
  /// Of the TLS peer; "" without one.
  const tls_peer& peer() const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace troupe::http
