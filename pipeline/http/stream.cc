#include "pipeline/http/stream.h"

#include "pipeline/http/io_loop.h"
#include "pipeline/http/socket_bio.h"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace troupe::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

status failure(std::string_view what, const error_code& ec) {
  errc code = ec == asio::error::timed_out ? errc::timeout : errc::io_error;
  return {code, std::string(what) + ": " + ec.message()};
}

/// Asio's way to a block_pool.
template <class T>
struct block_allocator {
  using value_type = T;
  explicit block_allocator(block_pool& from) : pool(&from) {}
  template <class U>
  block_allocator(const block_allocator<U>& other) : pool(other.pool) {}
  T* allocate(size_t n) { return static_cast<T*>(pool->take(n * sizeof(T))); }
  void deallocate(T* p, size_t n) { pool->give(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const block_allocator<U>& other) const {
    return pool == other.pool;
  }
  block_pool* pool;
};

}  // namespace

struct stream::impl : std::enable_shared_from_this<stream::impl> {
  impl(io_loop& loop, stream_events& to)
      : socket(loop.context()), blocks(loop.blocks()), events(&to) {}
  ~impl() { SSL_free(ssl); }

  tcp::socket socket;
  block_pool& blocks;
  stream_events* events;  ///< null once the stream is gone
  SSL* ssl = nullptr;
  tls_context context;  ///< kept while `ssl` lives
  tls_peer peer;
  uint64_t written = 0;
  int open_error = 0;
  char* read_to = nullptr;
  size_t read_size = 0;
  std::string_view unsent;

  void wait(tcp::socket::wait_type what, void (impl::*then)()) {
    socket.async_wait(what, [self = shared_from_this(), then](const error_code& ec) {
      if (self->events != nullptr && ec != asio::error::operation_aborted)
        (self.get()->*then)();
    });
  }
  void later(void (impl::*then)()) {
    asio::post(socket.get_executor(), [self = shared_from_this(), then] {
      if (self->events != nullptr)
        (self.get()->*then)();
    });
  }

  // --- handshake ---
  status start_tls(tls_context with, bool server) {
    context = std::move(with);
    ssl = SSL_new(context.get());
    if (ssl == nullptr)
      return {errc::internal, "TLS: " + tls_error_text()};
    BIO* bio = new_socket_bio(socket.native_handle());
    SSL_set_bio(ssl, bio, bio);
    server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    return ok_status();
  }
  void handshake() {
    ERR_clear_error();
    int rc = SSL_do_handshake(ssl);
    if (rc == 1) {
      peer = describe_peer(ssl);
      events->on_connect(ok_status());
      return;
    }
    int why = SSL_get_error(ssl, rc);
    if (why == SSL_ERROR_WANT_READ)
      wait(tcp::socket::wait_read, &impl::handshake);
    else if (why == SSL_ERROR_WANT_WRITE)
      wait(tcp::socket::wait_write, &impl::handshake);
    else
      events->on_connect({errc::io_error, "TLS handshake: " + handshake_error()});
  }
  std::string handshake_error() {
    long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return std::string("certificate not accepted: ") + X509_verify_cert_error_string(verdict);
    }
    return ERR_peek_error() == 0 ? "the connection was closed" : tls_error_text();
  }

  // --- reading ---
  void read_plain() {
    auto done = [self = shared_from_this()](const error_code& ec, size_t n) {
      if (self->events == nullptr || ec == asio::error::operation_aborted)
        return;
      if (ec == asio::error::eof)
        self->events->on_read(ok_status(), 0);
      else if (ec)
        self->events->on_read(failure("read", ec), 0);
      else
        self->events->on_read(ok_status(), n);
    };
    socket.async_read_some(
        asio::buffer(read_to, read_size),
        asio::bind_allocator(block_allocator<std::byte>(blocks), std::move(done)));
  }
  void read_tls() {
    ERR_clear_error();
    size_t n = 0;
    int rc = SSL_read_ex(ssl, read_to, read_size, &n);
    if (rc == 1) {
      events->on_read(ok_status(), n);
      return;
    }
    int why = SSL_get_error(ssl, rc);
    if (why == SSL_ERROR_WANT_READ)
      wait(tcp::socket::wait_read, &impl::read_tls);
    else if (why == SSL_ERROR_WANT_WRITE)
      wait(tcp::socket::wait_write, &impl::read_tls);
    else if (why == SSL_ERROR_ZERO_RETURN)
      events->on_read(ok_status(), 0);
    else
      events->on_read({errc::io_error, "TLS read: " + handshake_error()}, 0);
  }

  // --- writing ---
  /// Writes until the socket is full; a value when all is out or it failed.
  std::optional<status> write_some() {
    while (!unsent.empty()) {
      size_t n = 0;
      if (ssl != nullptr) {
        ERR_clear_error();
        int rc = SSL_write_ex(ssl, unsent.data(), unsent.size(), &n);
        if (rc != 1) {
          int why = SSL_get_error(ssl, rc);
          if (why == SSL_ERROR_WANT_WRITE)
            wait(tcp::socket::wait_write, &impl::write_more);
          else if (why == SSL_ERROR_WANT_READ)
            wait(tcp::socket::wait_read, &impl::write_more);
          else
            return status(errc::io_error, "TLS write: " + handshake_error());
          return std::nullopt;
        }
      } else {
        error_code ec;
        n = socket.write_some(asio::buffer(unsent.data(), unsent.size()), ec);
        if (ec == asio::error::would_block || ec == asio::error::try_again) {
          write_plain();
          return std::nullopt;
        }
        if (ec)
          return failure("write", ec);
      }
      written += n;
      unsent.remove_prefix(n);
    }
    return ok_status();
  }
  /// The reactor writes when the socket takes more again.
  void write_plain() {
    socket.async_write_some(asio::buffer(unsent.data(), unsent.size()),
                            [self = shared_from_this()](const error_code& ec, size_t n) {
                              if (self->events == nullptr || ec == asio::error::operation_aborted)
                                return;
                              if (ec)
                                return self->events->on_write(failure("write", ec));
                              self->written += n;
                              self->unsent.remove_prefix(n);
                              self->write_more();
                            });
  }
  void write_more() {
    if (auto done = write_some())
      events->on_write(*done);
  }
};

stream::stream(io_loop& loop, stream_events& events)
    : impl_(std::make_shared<impl>(loop, events)) {}

stream::~stream() {
  impl_->events = nullptr;
  if (impl_->ssl != nullptr && SSL_is_init_finished(impl_->ssl)) {
    ERR_clear_error();
    SSL_shutdown(impl_->ssl);
    ERR_clear_error();
  }
  error_code ignored;
  impl_->socket.close(ignored);
}

void stream::connect(const std::string& address, uint16_t port, std::optional<client_tls> tls) {
  error_code ec;
  auto ip = asio::ip::make_address(address, ec);
  if (!ec)
    impl_->socket.open(ip.is_v6() ? tcp::v6() : tcp::v4(), ec);
  if (!ec)
    impl_->socket.non_blocking(true, ec);
  auto fail = [&](status why) {
    asio::post(impl_->socket.get_executor(), [self = impl_, why = std::move(why)] {
      if (self->events != nullptr)
        self->events->on_connect(why);
    });
  };
  if (ec) {
    impl_->open_error = ec == asio::error::no_descriptors || ec.value() == ENFILE ? ec.value() : 0;
    return fail(failure("socket", ec));
  }
  impl_->socket.set_option(tcp::no_delay(true), ec);
  auto connected = [self = impl_, tls = std::move(tls)](const error_code& error) {
    if (self->events == nullptr || error == asio::error::operation_aborted)
      return;
    if (error)
      return self->events->on_connect(failure("connect", error));
    if (!tls)
      return self->events->on_connect(ok_status());
    status s = self->start_tls(tls->context, false);
    if (s.ok())
      s = prepare_client(self->ssl, *tls);
    if (!s.ok())
      return self->events->on_connect(s);
    self->handshake();
  };
  impl_->socket.async_connect({ip, port}, std::move(connected));
}

void stream::adopt(int fd, tls_context tls) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  error_code ec;
  impl_->socket.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, ec);
  impl_->socket.non_blocking(true, ec);
  impl_->socket.set_option(tcp::no_delay(true), ec);
  if (!tls)
    return;
  status s = impl_->start_tls(std::move(tls), true);
  if (s.ok())
    return impl_->later(&impl::handshake);
  asio::post(impl_->socket.get_executor(), [self = impl_, s] {
    if (self->events != nullptr)
      self->events->on_connect(s);
  });
}

void stream::read(char* buffer, size_t size) {
  impl_->read_to = buffer;
  impl_->read_size = size;
  if (impl_->ssl == nullptr)
    impl_->read_plain();
  else if (SSL_pending(impl_->ssl) > 0)
    impl_->later(&impl::read_tls);
  else
    impl_->wait(tcp::socket::wait_read, &impl::read_tls);
}

std::optional<status> stream::write(std::string_view data) {
  impl_->unsent = data;
  return impl_->write_some();
}

void stream::shutdown_write() {
  if (impl_->ssl != nullptr) {
    ERR_clear_error();
    SSL_shutdown(impl_->ssl);
    ERR_clear_error();
  }
  error_code ignored;
  impl_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

uint64_t stream::written() const {
  return impl_->written;
}

bool stream::stale() const {
  char byte = 0;
  ssize_t n = recv(impl_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

int stream::open_error() const {
  return impl_->open_error;
}

const tls_peer& stream::peer() const {
  return impl_->peer;
}

}  // namespace troupe::http
