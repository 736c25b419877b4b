// Passwords against bcrypt hashes. The slow hash runs on one thread of its own, one at a time;
// answers are remembered under a key that only this process can compute. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::http {

class password_checker {
 public:
  enum class verdict : unsigned char { right, wrong, busy };
  using done_fn = std::function<void(verdict)>;

  password_checker();
  ~password_checker();
  password_checker(const password_checker&) = delete;
  password_checker& operator=(const password_checker&) = delete;

  /// `hash` "" = no such user: a hash is computed all the same, so that time tells nothing.
  /// `done` is called once: at once when the answer is remembered or too many wait (busy), else on
  /// the checker's thread.
  void check(const std::string& user, const std::string& hash, const std::string& password,
             done_fn done);
  /// bcrypt computations so far.
  uint64_t hashed() const;
  /// Drops what waits and joins.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::http
