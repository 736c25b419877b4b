// status and result<T>: how every function of troupe reports what can go wrong at run time.
// Plain values, any thread. Bugs are assertions (check.h), never a status.
#pragma once

#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// What kind of failure; the caller branches on this, a person reads the message.
enum class errc : unsigned char {
  ok,
  invalid_argument,  ///< bad input: never retry as it is
  not_found,
  already_exists,
  out_of_bounds,       ///< a sample's time is outside of what is accepted
  resource_exhausted,  ///< a limit or budget was hit; the message names it
  no_space,            ///< ENOSPC, EDQUOT
  io_error,            ///< EIO and the other file errors
  corruption,          ///< a checksum or a structure does not hold
  unavailable,         ///< not now: starting, stopping, overloaded; retry later
  timeout,
  canceled,
  permission_denied,
  unsupported,
  execution,  ///< a well-formed query that cannot be evaluated on these data
  internal,
};

/// A short fixed name, as used in metrics and logs ("corruption").
std::string_view to_string(errc code);

/// Success, or a code with a message. Success costs one pointer.
class [[nodiscard]] status {
 public:
  status() = default;
  status(errc code, std::string message)
      : rep_(std::make_shared<const rep>(rep{code, std::move(message)})) {}

  bool ok() const { return rep_ == nullptr; }
  errc code() const { return rep_ ? rep_->code : errc::ok; }
  std::string_view message() const {
    return rep_ ? std::string_view(rep_->message) : std::string_view();
  }
  /// "corruption: bad checksum in 000001.wal"
  std::string to_string() const;
  /// The same code with `prefix: ` before the message; ok stays ok.
  status with_context(std::string_view prefix) const;
  /// For the rare place where a failure is of no interest; says so to the reader.
  void ignore() const {}

 private:
  struct rep {
    errc code;
    std::string message;
  };
  std::shared_ptr<const rep> rep_;
};

inline status ok_status() {
  return {};
}

/// Either a T or a failed status.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  result(status failed) : status_(std::move(failed)) { assert(!status_.ok()); }  // NOLINT
  result(errc code, std::string message) : status_(code, std::move(message)) {}

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  const status& error() const { return status_; }
  errc code() const { return status_.code(); }

  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  template <class U>
  T value_or(U&& other) const& {
    return ok() ? *value_ : static_cast<T>(std::forward<U>(other));
  }

 private:
  std::optional<T> value_;
  status status_;
};

}  // namespace troupe

#define TROUPE_CONCAT_(a, b) a##b
#define TROUPE_CONCAT(a, b) TROUPE_CONCAT_(a, b)
/// Returns from the enclosing function if `expr` (a status) failed.
#define TROUPE_TRY(expr)                                      \
  do {                                                        \
    if (::troupe::status troupe_s_ = (expr); !troupe_s_.ok()) \
      return troupe_s_;                                       \
  } while (0)
/// `TROUPE_ASSIGN(auto file, fs.open(path));` declares or assigns, or returns the failure.
#define TROUPE_ASSIGN(lhs, expr) TROUPE_ASSIGN_(TROUPE_CONCAT(troupe_r_, __LINE__), lhs, expr)
#define TROUPE_ASSIGN_(tmp, lhs, expr) \
  auto tmp = (expr);                   \
  if (!tmp.ok())                       \
    return tmp.error();                \
  lhs = std::move(*tmp)
