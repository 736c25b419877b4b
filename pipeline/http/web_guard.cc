#include "pipeline/http/web_guard.h"

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/log.h"

#include <sys/stat.h>

#include <algorithm>

namespace troupe::http {
namespace {

const logger log("web");

result<web_policy_ptr> make_policy(file_system& files, const std::string& path) {
  auto out = std::make_shared<web_policy>();
  TROUPE_ASSIGN(out->config, config::load_web_config(files, path));
  if (out->config.use_tls) {
    TROUPE_ASSIGN(tls_material pem, read_material(out->config.tls, files));
    TROUPE_ASSIGN(out->tls, make_server_context(out->config.tls, pem));
  }
  return web_policy_ptr(std::move(out));
}

}  // namespace

web_guard::web_guard(std::string path, file_system& files, const clock& clk)
    : path_(std::move(path)),
      files_(files),
      clock_(clk),
      current_(std::make_shared<const web_policy>()) {}

web_guard::stamp web_guard::look_at(const std::string& path) {
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0)
    return {};
  return {info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_size, info.st_ino};
}

std::vector<web_guard::stamp> web_guard::stamps(const config::web_config& of,
                                                bool all_files) const {
  std::vector<stamp> out = {look_at(path_)};
  if (all_files && of.use_tls)
    for (const auto& file : {of.tls.cert_file, of.tls.key_file, of.tls.client_ca_file})
      out.push_back(look_at(file));
  return out;
}

status web_guard::load() {
  if (path_.empty())
    return ok_status();
  std::lock_guard guard(lock_);
  TROUPE_ASSIGN(current_, make_policy(files_, path_));
  seen_ = stamps(current_->config, true);
  return ok_status();
}

web_policy_ptr web_guard::for_request() {
  return refresh(false);
}
web_policy_ptr web_guard::for_connection() {
  return refresh(true);
}

web_policy_ptr web_guard::refresh(bool all_files) {
  if (path_.empty())
    return current_;
  std::lock_guard guard(lock_);
  auto now = stamps(current_->config, all_files);
  auto same = [&](const std::vector<stamp>& old) {
    return old.size() >= now.size() && std::equal(now.begin(), now.end(), old.begin());
  };
  if (same(seen_) || same(rejected_))
    return current_;
  auto fresh = make_policy(files_, path_);
  if (fresh.ok()) {
    current_ = std::move(*fresh);
    seen_ = stamps(current_->config, true);
    rejected_.clear();
    log.info("web configuration {} was read again", path_);
  } else {
    ++failed_reloads_;
    rejected_ = stamps(current_->config, true);
    log.error("web configuration {} changed but is not used: {}", path_, fresh.error().message());
  }
  return current_;
}

bool web_guard::admit(const web_policy& policy) {
  const auto& limit = policy.config.rate_limit;
  if (limit.interval_ms <= 0)
    return true;
  std::lock_guard guard(lock_);
  int64_t now = clock_.monotonic_ns();
  double most = static_cast<double>(limit.burst);
  if (!(tokens_of_ == limit)) {
    tokens_of_ = limit;
    tokens_ = most;
  } else {
    double earned =
        static_cast<double>(now - tokens_at_ns_) / (static_cast<double>(limit.interval_ms) * 1e6);
    tokens_ = std::min(most, tokens_ + earned);
  }
  tokens_at_ns_ = now;
  if (tokens_ < 1)
    return false;
  tokens_ -= 1;
  return true;
}

uint64_t web_guard::failed_reloads() const {
  std::lock_guard guard(lock_);
  return failed_reloads_;
}

}  // namespace troupe::http
