#include "pipeline/http/listener.h"

#include "pipeline/http/io_loop.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace troupe::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

std::string text_of(const tcp::endpoint& e) {
  std::string ip = e.address().to_string();
  if (e.address().is_v6() && e.address().to_v6().is_v4_mapped())
    ip = asio::ip::make_address_v4(asio::ip::v4_mapped, e.address().to_v6()).to_string();
  return (ip.find(':') == ip.npos ? ip : "[" + ip + "]") + ":" + std::to_string(e.port());
}

struct host_port {
  std::string host;
  std::string port;
};

/// ":9090", "host:9090", "[::1]:9090"
result<host_port> split_address(const std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == address.npos)
    return {errc::invalid_argument, "listen address \"" + address + "\" has no port"};
  host_port out{address.substr(0, colon), address.substr(colon + 1)};
  if (out.host.size() >= 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  else if (out.host.find(':') != out.host.npos)
    return {errc::invalid_argument, "listen address \"" + address + "\": IPv6 needs brackets"};
  return out;
}

}  // namespace

struct listener::impl : std::enable_shared_from_this<listener::impl> {
  impl(io_loop& loop, accept_fn a, starved_fn s)
      : acceptor(loop.context()),
        pause(loop.context()),
        resolver(loop.context()),
        on_accept(std::move(a)),
        on_starved(std::move(s)) {}

  tcp::acceptor acceptor;
  asio::steady_timer pause;
  tcp::resolver resolver;
  accept_fn on_accept;
  starved_fn on_starved;

  status open(const tcp::endpoint& at) {
    error_code ec;
    acceptor.open(at.protocol(), ec);
    if (!ec)
      acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec && at.address().is_v6())
      acceptor.set_option(asio::ip::v6_only(!at.address().is_unspecified()), ec);
    if (!ec)
      acceptor.non_blocking(true, ec);
    if (!ec)
      acceptor.bind(at, ec);
    if (!ec)
      acceptor.listen(1024, ec);
    if (!ec)
      return ok_status();
    error_code ignored;
    acceptor.close(ignored);
    return {errc::io_error, "listen on " + text_of(at) + ": " + ec.message()};
  }

  void wait() {
    acceptor.async_wait(tcp::acceptor::wait_read,
                        [self = shared_from_this()](const error_code& ec) {
                          if (!ec && self->on_accept)
                            self->accept_ready();
                        });
  }

  void accept_ready() {
    // A bounded run, so that open connections get their turn too.
    for (int i = 0; i < 64; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      int fd = accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from), &size,
                       SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        tcp::endpoint remote;
        std::memcpy(remote.data(), &from, std::min<size_t>(size, remote.capacity()));
        on_accept(fd, text_of(remote));
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        on_starved(errno);
        return wait_a_little();
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK)
        break;
    }
    wait();
  }

  void wait_a_little() {
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([self = shared_from_this()](const error_code& ec) {
      if (!ec && self->on_accept)
        self->wait();
    });
  }
};

listener::listener(io_loop& loop, accept_fn on_accept, starved_fn on_starved)
    : impl_(std::make_shared<impl>(loop, std::move(on_accept), std::move(on_starved))) {}

listener::~listener() {
  impl_->on_accept = nullptr;
  error_code ignored;
  impl_->acceptor.close(ignored);
  impl_->pause.cancel();
}

result<std::string> listener::open(const std::string& address) {
  TROUPE_ASSIGN(host_port where, split_address(address));
  error_code ec;
  status last(errc::io_error, "listen address \"" + address + "\": no such host");
  // An empty host is every address, IPv6 first because that socket takes IPv4 as well.
  std::vector<std::string> hosts = {where.host};
  if (where.host.empty())
    hosts = {"::", "0.0.0.0"};
  for (const std::string& host : hosts) {
    for (const auto& entry :
         impl_->resolver.resolve(host, where.port, tcp::resolver::passive, ec)) {
      last = impl_->open(entry.endpoint());
      if (last.ok())
        return text_of(impl_->acceptor.local_endpoint(ec));
    }
  }
  return last;
}

void listener::start() {
  impl_->wait();
}

}  // namespace troupe::http
