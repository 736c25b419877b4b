#include "pipeline/http/message_reader.h"

#include "pipeline/http/header_text.h"

// Beast's parser asserts that the end of a chunked body comes with five bytes at least. An empty
// body cut in that place has four, which it then reads well: what a peer sends must not end the
// process.
#define BOOST_DISABLE_ASSERTS
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace troupe::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using field = beast::http::field;
using optional_length = boost::optional<std::uint64_t>;

std::string_view view(beast::string_view s) {
  return {s.data(), s.size()};
}

/// What both directions have in common: the body goes into a body_buffer, a refused piece ends the
/// message with the buffer's own words.
template <bool IsRequest>
class parser_base : public beast::http::basic_parser<IsRequest> {
 public:
  parser_base(const reader_limits& limits, body_buffer& body) : limits_(limits), body_(body) {
    this->header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    this->body_limit(boost::none);  // the body_buffer's is the one that counts
  }
  const status& refused() const { return refused_; }
  /// To be called once after the head: a length that is too large is refused before any of it
  /// comes.
  status expect_body() {
    if (auto length = this->content_length(); length && !this->is_done())
      refused_ = body_.expect(*length);
    return refused_;
  }

 protected:
  /// The parser forgets a field once it has reported it, so that all of the head is counted here.
  void count(size_t bytes, error_code& ec) {
    ec = {};
    header_bytes_ += bytes;
    if (++fields_ > limits_.header_fields || header_bytes_ > limits_.header_bytes)
      ec = beast::http::error::header_limit;
  }

 private:
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(const optional_length&, error_code& ec) override { ec = {}; }
  std::size_t on_body_impl(beast::string_view piece, error_code& ec) override {
    ec = {};
    check(body_.append(view(piece)), ec);
    return ec ? 0 : piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code& ec) override { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view piece, error_code& ec) override {
    return on_body_impl(piece, ec);
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }

  void check(status s, error_code& ec) {
    if (s.ok())
      return;
    refused_ = std::move(s);
    ec = beast::http::error::body_limit;
  }

  reader_limits limits_;
  body_buffer& body_;
  size_t fields_ = 0;
  size_t header_bytes_ = 0;
  status refused_;
};

/// Feeds until the parser wants more, is done, or has a whole head it has not yet reported.
template <class Parser>
result<size_t> feed_parser(Parser& p, std::string_view data, bool stop_after_header) {
  size_t used = 0;
  while (used < data.size() && !p.is_done()) {
    bool had_header = p.is_header_done();
    error_code ec;
    used += p.put(boost::asio::const_buffer(data.data() + used, data.size() - used), ec);
    if (ec == beast::http::error::need_more)
      break;
    if (ec == beast::http::error::body_limit && !p.refused().ok())
      return p.refused();
    if (ec == beast::http::error::header_limit)
      return {errc::resource_exhausted, "header size limit exceeded"};
    if (ec)
      return {errc::invalid_argument, ec.message()};
    if (had_header || !p.is_header_done())
      continue;
    TROUPE_TRY(p.expect_body());
    if (stop_after_header)
      break;
  }
  return used;
}

}  // namespace

struct response_reader::parser final : parser_base<false> {
  parser(const reader_limits& limits, response_reader& to, bool all)
      : parser_base(limits, to.body), out(to), all_headers(all) {}

  void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int,
                       error_code&) override {}
  void on_response_impl(int code, beast::string_view, int, error_code& ec) override {
    ec = {};
    out.code = code;
  }
  void on_field_impl(field name, beast::string_view text, beast::string_view value,
                     error_code& ec) override {
    count(text.size() + value.size() + 4, ec);
    if (ec)
      return;
    if (name == field::content_type)
      out.content_type = view(value);
    else if (name == field::content_encoding)
      out.content_encoding = view(value);
    else if (name == field::location)
      out.location = view(value);
    if (all_headers)
      out.header_fields.push_back({std::string(view(text)), std::string(view(value))});
  }

  response_reader& out;
  bool all_headers;
};

response_reader::response_reader() = default;
response_reader::~response_reader() = default;

void response_reader::start(const reader_limits& limits, std::shared_ptr<byte_budget> budget,
                            bool to_head, bool all_headers) {
  code = 0;
  keep_alive = false;
  content_type.clear();
  content_encoding.clear();
  location.clear();
  header_fields.clear();
  body.reset(std::move(budget), limits.body_bytes);
  if (parser_) {
    // A parser serves one message; its memory serves the next one, too.
    std::destroy_at(parser_.get());
    std::construct_at(parser_.get(), limits, *this, all_headers);
  } else {
    parser_ = std::make_unique<parser>(limits, *this, all_headers);
  }
  parser_->skip(to_head);
}

result<size_t> response_reader::feed(std::string_view data) {
  TROUPE_ASSIGN(size_t used, feed_parser(*parser_, data, false));
  if (parser_->is_header_done())
    keep_alive = parser_->keep_alive();
  return used;
}

status response_reader::feed_end() {
  if (!started())
    return {errc::io_error, "the connection ended without a response"};
  error_code ec;
  parser_->put_eof(ec);
  if (ec)
    return {errc::io_error, "the connection ended inside the response"};
  return ok_status();
}

bool response_reader::header_done() const {
  return parser_->is_header_done();
}
bool response_reader::done() const {
  return parser_->is_done();
}
bool response_reader::started() const {
  return parser_->got_some();
}

struct request_reader::parser final : parser_base<true> {
  parser(const reader_limits& limits, request_reader& to) : parser_base(limits, to.body), out(to) {}

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, beast::error_code& ec) override {
    count(method.size() + target.size() + 12, ec);
    out.method = view(method);
    out.target = view(target);
    out.http_1_0 = version < 11;
  }
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_field_impl(field, beast::string_view name, beast::string_view value,
                     beast::error_code& ec) override {
    count(name.size() + value.size() + 4, ec);
    if (!ec)
      out.header_fields.push_back({std::string(view(name)), std::string(view(value))});
  }

  request_reader& out;
};

request_reader::request_reader() = default;
request_reader::~request_reader() = default;

void request_reader::start(const reader_limits& limits, std::shared_ptr<byte_budget> budget) {
  error_code = 400;
  method.clear();
  target.clear();
  keep_alive = http_1_0 = has_body = false;
  header_fields.clear();
  body.reset(std::move(budget), limits.body_bytes);
  parser_ = std::make_unique<parser>(limits, *this);
}

result<size_t> request_reader::feed(std::string_view data) {
  auto used = feed_parser(*parser_, data, true);
  if (!used) {
    if (!parser_->refused().ok())
      error_code = used.code() == errc::out_of_bounds ? 413 : 503;
    else if (used.code() == errc::resource_exhausted)
      error_code = 431;
    return used;
  }
  if (parser_->is_header_done()) {
    keep_alive = parser_->keep_alive();
    has_body = !parser_->is_done();
  }
  return used;
}

bool request_reader::header_done() const {
  return parser_->is_header_done();
}
bool request_reader::done() const {
  return parser_->is_done();
}

}  // namespace troupe::http
