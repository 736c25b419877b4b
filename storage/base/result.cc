#include "storage/base/result.h"

namespace troupe {

std::string_view to_string(errc code) {
  switch (code) {
    case errc::ok:
      return "ok";
    case errc::invalid_argument:
      return "invalid argument";
    case errc::not_found:
      return "not found";
    case errc::already_exists:
      return "already exists";
    case errc::out_of_bounds:
      return "out of bounds";
    case errc::resource_exhausted:
      return "resource exhausted";
    case errc::no_space:
      return "no space";
    case errc::io_error:
      return "i/o error";
    case errc::corruption:
      return "corruption";
    case errc::unavailable:
      return "unavailable";
    case errc::timeout:
      return "timeout";
    case errc::canceled:
      return "canceled";
    case errc::permission_denied:
      return "permission denied";
    case errc::unsupported:
      return "unsupported";
    case errc::execution:
      return "execution";
    case errc::internal:
      return "internal";
  }
  return "unknown";
}

std::string status::to_string() const {
  if (ok())
    return "ok";
  std::string out(troupe::to_string(rep_->code));
  out += ": ";
  out += rep_->message;
  return out;
}

status status::with_context(std::string_view prefix) const {
  if (ok())
    return *this;
  std::string text(prefix);
  text += ": ";
  text += rep_->message;
  return {rep_->code, std::move(text)};
}

}  // namespace troupe
