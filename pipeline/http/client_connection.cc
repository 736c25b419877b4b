#include "pipeline/http/client_connection.h"

#include <cstring>

namespace troupe::http {
namespace {

constexpr size_t kept_buffers = 64;
constexpr int max_interim = 5;  // as Go's client: more 1xx answers are an attack

}  // namespace

std::unique_ptr<char[]> buffer_pool::take(size_t size) {
  auto& list = size == small_size ? small_ : large_;
  if (list.empty())
    return std::unique_ptr<char[]>(new char[size]);
  auto out = std::move(list.back());
  list.pop_back();
  return out;
}

void buffer_pool::give(std::unique_ptr<char[]> buffer, size_t size) {
  auto& list = size == small_size ? small_ : large_;
  if (list.size() < kept_buffers)
    list.push_back(std::move(buffer));
}

client_connection::client_connection(io_loop& loop, buffer_pool& buffers, uint64_t pool_key)
    : buffers_(buffers), pool_key_(pool_key), stream_(loop, *this) {}

client_connection::~client_connection() {
  release_buffer();
}

void client_connection::open(const std::string& address, uint16_t port,
                             std::optional<client_tls> tls) {
  stream_.connect(address, port, std::move(tls));
}

void client_connection::on_connect(const status& s) {
  user_->on_open(s);
}

void client_connection::send(exchange what, std::string& text) {
  now_ = std::move(what);
  wire_bytes_ = 0;
  filled_ = 0;
  interim_ = 0;
  reusable_ = false;
  response_.start(now_.limits, now_.budget, now_.to_head, now_.want_headers);
  auto written = stream_.write(text);
  writing_ = !written.has_value();
  if (writing_)
    out_ = std::move(text);  // the bytes stay where they are
  // A failed write shows again when reading, unless an early answer is there to be read.
  read_on();
}

void client_connection::on_write(const status&) {
  writing_ = false;
}

void client_connection::read_on() {
  if (!buffer_) {
    // As long as none has to be made for it, the buffer is right for an answer like the last.
    const bool large = filled_small_ && buffers_.has_large();
    capacity_ = large ? buffer_pool::large_size : buffer_pool::small_size;
    buffer_ = buffers_.take(capacity_);
  } else if (capacity_ == buffer_pool::small_size &&
             (filled_ == capacity_ || wire_bytes_ >= capacity_)) {
    // More than a small buffer is coming.
    auto larger = buffers_.take(buffer_pool::large_size);
    std::memcpy(larger.get(), buffer_.get(), filled_);
    buffers_.give(std::move(buffer_), capacity_);
    buffer_ = std::move(larger);
    capacity_ = buffer_pool::large_size;
  }
  if (filled_ == capacity_)
    return finish({errc::invalid_argument, "malformed response: a line is too long"});
  stream_.read(buffer_.get() + filled_, capacity_ - filled_);
}

void client_connection::on_read(const status& s, size_t n) {
  if (!s.ok())
    return finish(s);
  if (n == 0) {
    status ended = response_.feed_end();
    return finish(ended);
  }
  wire_bytes_ += n;
  filled_ += n;
  if (consume())
    read_on();
}

bool client_connection::consume() {
  size_t used = 0;
  while (used < filled_ && !response_.done()) {
    auto got = response_.feed({buffer_.get() + used, filled_ - used});
    if (!got) {
      status s = got.error();
      finish(s.code() == errc::invalid_argument ? s.with_context("malformed response") : s);
      return false;
    }
    used += *got;
    if (!response_.done() || response_.code >= 200 || response_.code == 101) {
      if (*got == 0)
        break;
      continue;
    }
    if (++interim_ > max_interim) {
      finish({errc::invalid_argument, "malformed response: too many interim answers"});
      return false;
    }
    response_.start(now_.limits, now_.budget, now_.to_head, now_.want_headers);
  }
  filled_ -= used;
  std::memmove(buffer_.get(), buffer_.get() + used, filled_);
  if (!response_.done())
    return true;
  reusable_ = response_.keep_alive && filled_ == 0 && !writing_;
  finish(ok_status());
  return false;
}

void client_connection::finish(const status& s) {
  status told = s;
  filled_small_ = wire_bytes_ > buffer_pool::small_size;
  release_buffer();
  out_ = std::string();
  user_->on_response(told);
}

void client_connection::release_buffer() {
  if (buffer_)
    buffers_.give(std::move(buffer_), capacity_);
  buffer_ = nullptr;
}

}  // namespace troupe::http
