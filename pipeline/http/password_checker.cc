#include "pipeline/http/password_checker.h"

#include "storage/base/check.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace troupe::http {
namespace {

constexpr size_t max_waiting = 64;
constexpr size_t max_remembered = 100;  ///< of right and of wrong answers each
/// bcrypt, cost 10, of a random word: for users that do not exist.
constexpr const char* dummy_hash = "$2b$10$yRw6rQdlyFBvZk0N0hzSJeVdKsp6Cn0uFTWh1ylBQJ1mHTGp1A4yG";

using key = std::array<unsigned char, 32>;

void put_hex(std::string& out, const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  for (unsigned char c : bytes)
    out += {digits[c >> 4], digits[c & 15]};
}

bool matches(const std::string& password, const std::string& hash) {
  // crypt() stops at a NUL: such a password can never be the right one.
  if (password.find('\0') != password.npos)
    return false;
  auto data = std::make_unique<crypt_data>();
  std::memset(data.get(), 0, sizeof *data);
  const char* got = crypt_r(password.c_str(), hash.c_str(), data.get());
  return got != nullptr && std::strlen(got) == hash.size() &&
         CRYPTO_memcmp(got, hash.data(), hash.size()) == 0;
}

/// Answers by key, the oldest goes first.
class memory_of_answers {
 public:
  bool has(const key& k) const { return order_of_.count(k) != 0; }
  void add(const key& k) {
    if (!order_of_.emplace(k, next_).second)
      return;
    keys_[next_++] = k;
    if (order_of_.size() > max_remembered) {
      order_of_.erase(keys_.begin()->second);
      keys_.erase(keys_.begin());
    }
  }

 private:
  std::map<key, uint64_t> order_of_;
  std::map<uint64_t, key> keys_;
  uint64_t next_ = 0;
};

}  // namespace

struct password_checker::impl {
  struct question {
    key id;
    bool known_user;
    std::string hash;
    std::string password;
    done_fn done;
  };

  std::array<unsigned char, 32> boot_secret{};
  std::mutex lock;  ///< guards all below
  std::condition_variable wake;
  std::deque<question> waiting;
  memory_of_answers right;
  memory_of_answers wrong;
  uint64_t hashed = 0;
  bool stopping = false;
  std::thread thread;

  key key_of(const std::string& user, const std::string& hash, const std::string& password) const {
    std::string text;
    put_hex(text, user);
    text += ':';
    put_hex(text, hash);
    text += ':';
    put_hex(text, password);
    key out;
    TROUPE_CHECK(HMAC(EVP_sha256(), boot_secret.data(), static_cast<int>(boot_secret.size()),
                      reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(),
                      nullptr) != nullptr);
    return out;
  }

  std::optional<verdict> remembered(const key& id) const {
    if (right.has(id))
      return verdict::right;
    if (wrong.has(id))
      return verdict::wrong;
    return std::nullopt;
  }

  void run() {
    std::unique_lock guard(lock);
    for (;;) {
      wake.wait(guard, [&] { return stopping || !waiting.empty(); });
      if (stopping)
        return;
      question q = std::move(waiting.front());
      waiting.pop_front();
      // The same question may have been answered while this one waited.
      auto answer = remembered(q.id);
      if (!answer) {
        ++hashed;
        guard.unlock();
        bool ok = matches(q.password, q.known_user ? q.hash : dummy_hash) && q.known_user;
        guard.lock();
        (ok ? right : wrong).add(q.id);
        answer = ok ? verdict::right : verdict::wrong;
      }
      guard.unlock();
      q.done(*answer);
      guard.lock();
    }
  }
};

password_checker::password_checker() : impl_(std::make_unique<impl>()) {
  TROUPE_CHECK(RAND_bytes(impl_->boot_secret.data(), static_cast<int>(impl_->boot_secret.size())) ==
               1);
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  impl_->thread = std::thread([this] { impl_->run(); });
  pthread_setname_np(impl_->thread.native_handle(), "http-auth");
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

password_checker::~password_checker() {
  stop();
}

void password_checker::check(const std::string& user, const std::string& hash,
                             const std::string& password, done_fn done) {
  key id = impl_->key_of(user, hash, password);
  std::unique_lock guard(impl_->lock);
  auto answer = impl_->remembered(id);
  if (!answer && (impl_->stopping || impl_->waiting.size() >= max_waiting))
    answer = verdict::busy;
  if (answer) {
    guard.unlock();
    return done(*answer);
  }
  impl_->waiting.push_back({id, !hash.empty(), hash, password, std::move(done)});
  impl_->wake.notify_one();
}

uint64_t password_checker::hashed() const {
  std::lock_guard guard(impl_->lock);
  return impl_->hashed;
}

void password_checker::stop() {
  std::deque<impl::question> dropped;
  {
    std::lock_guard guard(impl_->lock);
    impl_->stopping = true;
    dropped.swap(impl_->waiting);
    impl_->wake.notify_all();
  }
  if (impl_->thread.joinable())
    impl_->thread.join();
}

}  // namespace troupe::http
