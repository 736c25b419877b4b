#include "pipeline/http/response_writer.h"

#include "pipeline/http/header_text.h"

#include <algorithm>
#include <ctime>

namespace troupe::http {
namespace {

constexpr size_t worth_gzip = 1024;
constexpr size_t one_shot = 256 << 10;  ///< larger bodies are compressed piece by piece
constexpr size_t piece_size = 64 << 10;

bool compressible(std::string_view type) {
  return type.substr(0, 5) == "text/" || type.find("json") != type.npos ||
         type.find("openmetrics") != type.npos || type.find("javascript") != type.npos ||
         type.find("xml") != type.npos || type.find("svg") != type.npos;
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

void put_hex(std::string& out, size_t n) {
  char digits[16];
  int i = 0;
  do {
    digits[i++] = "0123456789abcdef"[n & 15];
    n >>= 4;
  } while (n != 0);
  while (i > 0)
    out.push_back(digits[--i]);
}

}  // namespace

void response_writer::start(response&& r, const response_frame& frame) {
  response_ = std::move(r);
  body_at_ = 0;
  gzip_.reset();
  keep_alive_ = frame.keep_alive;
  chunked_ = false;
  ended_ = false;
  stream_open_ = static_cast<bool>(response_.stream);
  bool bodiless = has_no_body(response_.status);
  bool gzipped = !bodiless && frame.gzip_accepted && compressible(response_.content_type) &&
                 find_header(response_.header_fields, "Content-Encoding").empty() &&
                 (stream_open_ || response_.body.size() >= worth_gzip);
  bool streamed = stream_open_ || (gzipped && response_.body.size() > one_shot);
  if (gzipped && !streamed)
    response_.body = gzip(response_.body);
  if (streamed && !bodiless) {
    if (gzipped && !frame.head_only)
      gzip_ = std::make_unique<gzip_stream>();
    if (frame.http_1_0)
      keep_alive_ = false;
    else
      chunked_ = true;
  }
  put_head(frame, gzipped, !streamed && !bodiless, response_.body.size());
  if (frame.head_only || bodiless) {
    response_.body.clear();
    response_.stream = nullptr;
    stream_open_ = false;
    chunked_ = false;
    gzip_.reset();
    ended_ = true;
  }
}

void response_writer::put_head(const response_frame& frame, bool gzipped, bool has_length,
                               size_t length) {
  head_.clear();
  head_.reserve(512);
  head_.append("HTTP/1.1 ").append(std::to_string(response_.status)).append(" ");
  head_.append(reason_phrase(response_.status)).append("\r\n");
  put_header(head_, "Date", http_date(frame.now_ms));
  if (!response_.content_type.empty() && !has_no_body(response_.status))
    put_header(head_, "Content-Type", response_.content_type);
  for (const auto& h : response_.header_fields)
    if (valid_header_name(h.name) && valid_header_value(h.value))
      put_header(head_, h.name, h.value);
  for (size_t i = 0; i < frame.extra.size(); ++i) {
    const auto& h = frame.extra[i];
    bool taken = !find_header(response_.header_fields, h.name).empty();
    for (size_t k = 0; k < i; ++k)
      taken = taken || equal_fold(frame.extra[k].name, h.name);
    if (!taken)
      put_header(head_, h.name, h.value);
  }
  if (gzipped)
    put_header(head_, "Content-Encoding", "gzip");
  if (gzipped || compressible(response_.content_type))
    put_header(head_, "Vary", "Accept-Encoding");
  if (has_length)
    put_header(head_, "Content-Length", std::to_string(length));
  else if (chunked_)
    put_header(head_, "Transfer-Encoding", "chunked");
  if (!keep_alive_)
    put_header(head_, "Connection", "close");
  else if (frame.http_1_0)
    put_header(head_, "Connection", "keep-alive");
  head_ += "\r\n";
}

bool response_writer::next_raw(std::string& out) {
  if (body_at_ < response_.body.size()) {
    size_t n = std::min(piece_size, response_.body.size() - body_at_);
    out.append(response_.body, body_at_, n);
    body_at_ += n;
    if (body_at_ == response_.body.size()) {
      response_.body = std::string();
      body_at_ = 0;
    }
  } else if (stream_open_) {
    stream_open_ = response_.stream(out);
    if (!stream_open_)
      response_.stream = nullptr;
  }
  return stream_open_ || body_at_ < response_.body.size();
}

bool response_writer::next(std::string& out) {
  out = std::move(head_);
  head_.clear();
  if (ended_)
    return false;
  if (!chunked_ && !gzip_) {
    ended_ = !next_raw(out);
    return !ended_;
  }
  std::string raw;
  ended_ = !next_raw(raw);
  std::string packed;
  if (gzip_)
    gzip_->write(raw, ended_, packed);
  else
    packed = std::move(raw);
  if (!chunked_) {
    out += packed;
    return !ended_;
  }
  if (!packed.empty()) {
    put_hex(out, packed.size());
    out.append("\r\n").append(packed).append("\r\n");
  }
  if (ended_)
    out += "0\r\n\r\n";
  return !ended_;
}

// clang-format off
std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Request Entity Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "";
  }
}

// clang-format on

std::string http_date(int64_t now_ms) {
  time_t seconds = now_ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  size_t n = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, n);
}

}  // namespace troupe::http
