#include "storage/base/file_system.h"
#include "storage/base/mapping_guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

namespace troupe {
namespace {

status failed(const std::string& path, std::string_view what, int err) {
  errc code = errc::io_error;
  if (err == ENOSPC || err == EDQUOT)
    code = errc::no_space;
  else if (err == ENOENT)
    code = errc::not_found;
  else if (err == EACCES || err == EPERM)
    code = errc::permission_denied;
  return {code, path + ": " + std::string(what) + ": " + std::generic_category().message(err)};
}

template <class F>
auto retry_eintr(F call) {
  auto r = call();
  while (r < 0 && errno == EINTR)
    r = call();
  return r;
}

/// A descriptor, closed on destruction.
class descriptor {
 public:
  explicit descriptor(int fd = -1) : fd_(fd) {}
  descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  descriptor& operator=(descriptor&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }
  /// close(2) without a retry: Linux frees the descriptor even when it reports an error.
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

result<descriptor> open_file(const std::string& path, int flags) {
  const int fd = retry_eintr([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (fd < 0)
    return failed(path, "open", errno);
  return descriptor(fd);
}

result<uint64_t> size_of(const descriptor& fd, const std::string& path) {
  struct stat st {};
  if (fstat(fd.get(), &st) != 0)
    return failed(path, "stat", errno);
  return static_cast<uint64_t>(st.st_size);
}

class posix_writable final : public writable_file {
 public:
  posix_writable(descriptor fd, std::string path, uint64_t size, bool is_new)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size), is_new_(is_new) {}

  status append(std::string_view data) override {
    while (!data.empty()) {
      const ssize_t n = retry_eintr([&] { return ::write(fd_.get(), data.data(), data.size()); });
      if (n < 0)
        return failed(path_, "write", errno);
      size_ += static_cast<uint64_t>(n);
      data.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }
  status sync() override {
    if (sync_failed_)
      return {errc::io_error, path_ + ": an earlier fdatasync failed"};
    if (retry_eintr([&] { return ::fdatasync(fd_.get()); }) != 0) {
      sync_failed_ = true;
      return failed(path_, "fdatasync", errno);
    }
    return {};
  }
  status reserve(uint64_t size) override {
    if (!is_new_)
      return {errc::unsupported, path_ + ": space is reserved in new files only"};
    static constexpr char zeros[64u << 10] = {};
    for (uint64_t at = std::max(reserved_, size_); at < size;) {
      const size_t want = std::min<uint64_t>(size - at, sizeof zeros);
      const auto call = [&] { return ::pwrite(fd_.get(), zeros, want, static_cast<off_t>(at)); };
      const ssize_t n = retry_eintr(call);
      if (n < 0)
        return failed(path_, "write", errno);
      at += static_cast<uint64_t>(n);
      reserved_ = at;
    }
    return {};
  }
  uint64_t size() const override { return size_; }
  status close() override {
    if (fd_.get() >= 0 && fd_.close() != 0 && errno != EINTR)
      return failed(path_, "close", errno);
    return {};
  }

 private:
  descriptor fd_;
  std::string path_;
  uint64_t size_;
  bool is_new_;
  uint64_t reserved_ = 0;
  bool sync_failed_ = false;
};

class posix_readable final : public readable_file {
 public:
  posix_readable(descriptor fd, std::string path, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  status read(uint64_t offset, size_t n, std::string& out) const override {
    out.resize(n);
    size_t got = 0;
    while (got < n) {
      const auto call = [&] {
        return ::pread(fd_.get(), out.data() + got, n - got, static_cast<off_t>(offset + got));
      };
      const ssize_t r = retry_eintr(call);
      if (r < 0) {
        out.clear();
        return failed(path_, "read", errno);
      }
      if (r == 0)
        break;
      got += static_cast<size_t>(r);
    }
    out.resize(got);
    return {};
  }
  uint64_t size() const override { return size_; }

 private:
  descriptor fd_;
  std::string path_;
  uint64_t size_;
};

class posix_mapped final : public mapped_file {
 public:
  posix_mapped(void* at, size_t size) : at_(at), size_(size) {
    if (at_ != nullptr)
      guard_.emplace(at_, size_);
  }
  posix_mapped(const posix_mapped&) = delete;
  posix_mapped& operator=(const posix_mapped&) = delete;
  ~posix_mapped() override {
    guard_.reset();
    if (at_ != nullptr)
      ::munmap(at_, size_);
  }
  std::string_view data() const override { return {static_cast<const char*>(at_), size_}; }
  bool failed() const override { return guard_ && guard_->failed(); }

 private:
  void* at_;
  size_t size_;
  std::optional<mapping_guard> guard_;
};

class posix_lock final : public file_lock {
 public:
  explicit posix_lock(descriptor fd) : fd_(std::move(fd)) {}

 private:
  descriptor fd_;
};

status copy_file(const std::string& from, const std::string& to) {
  TROUPE_ASSIGN(auto in, open_file(from, O_RDONLY));
  TROUPE_ASSIGN(auto out, open_file(to, O_WRONLY | O_CREAT | O_EXCL));
  posix_writable writer(std::move(out), to, 0, true);
  std::string buffer(256 << 10, '\0');
  for (;;) {
    const ssize_t n = retry_eintr([&] { return ::read(in.get(), buffer.data(), buffer.size()); });
    if (n < 0)
      return failed(from, "read", errno);
    if (n == 0)
      break;
    TROUPE_TRY(writer.append(std::string_view(buffer.data(), static_cast<size_t>(n))));
  }
  TROUPE_TRY(writer.sync());
  return writer.close();
}

class posix_file_system final : public file_system {
 public:
  result<std::unique_ptr<writable_file>> create(const std::string& path) override {
    return open_writable(path, O_TRUNC);
  }
  result<std::unique_ptr<writable_file>> open_append(const std::string& path) override {
    return open_writable(path, O_APPEND);
  }
  result<std::unique_ptr<readable_file>> open_read(const std::string& path) override {
    TROUPE_ASSIGN(auto fd, open_file(path, O_RDONLY));
    TROUPE_ASSIGN(const uint64_t size, size_of(fd, path));
    return std::unique_ptr<readable_file>(new posix_readable(std::move(fd), path, size));
  }
  result<std::unique_ptr<mapped_file>> map(const std::string& path) override {
    TROUPE_ASSIGN(auto fd, open_file(path, O_RDONLY));
    TROUPE_ASSIGN(const uint64_t size, size_of(fd, path));
    if (size == 0)
      return std::unique_ptr<mapped_file>(new posix_mapped(nullptr, 0));
    void* at = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_SHARED, fd.get(), 0);
    if (at == MAP_FAILED)
      return failed(path, "mmap", errno);
    return std::unique_ptr<mapped_file>(new posix_mapped(at, static_cast<size_t>(size)));
  }

  result<std::vector<dir_entry>> list(const std::string& dir) override {
    DIR* d = ::opendir(dir.c_str());
    if (d == nullptr)
      return failed(dir, "opendir", errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(d, &::closedir);
    std::vector<dir_entry> out;
    for (errno = 0; const dirent* e = ::readdir(d); errno = 0) {
      const std::string_view name(e->d_name);
      if (name == "." || name == "..")
        continue;
      bool directory = e->d_type == DT_DIR;
      if (e->d_type == DT_UNKNOWN || e->d_type == DT_LNK) {
        struct stat st {};
        directory = ::stat(join_path(dir, name).c_str(), &st) == 0 && S_ISDIR(st.st_mode);
      }
      out.push_back({std::string(name), directory});
    }
    if (errno != 0)
      return failed(dir, "readdir", errno);
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
  }
  status create_directories(const std::string& dir) override {
    std::error_code ec;
    std::filesystem::create_directories(dir, ec);
    return ec ? failed(dir, "mkdir", ec.value()) : status();
  }
  status rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? status()
                                                   : failed(from, "rename to " + to, errno);
  }
  status remove_file(const std::string& path) override {
    return ::unlink(path.c_str()) == 0 ? status() : failed(path, "unlink", errno);
  }
  status remove_all(const std::string& path) override {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
    return ec ? failed(path, "remove", ec.value()) : status();
  }
  status link_or_copy(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0)
      return {};
    const int err = errno;
    if (err != EXDEV && err != EPERM && err != EMLINK && err != EOPNOTSUPP)
      return failed(from, "link to " + to, err);
    return copy_file(from, to);
  }
  status truncate(const std::string& path, uint64_t size) override {
    const int r = retry_eintr([&] { return ::truncate(path.c_str(), static_cast<off_t>(size)); });
    return r == 0 ? status() : failed(path, "truncate", errno);
  }
  status sync_directory(const std::string& dir) override {
    TROUPE_ASSIGN(auto fd, open_file(dir, O_RDONLY | O_DIRECTORY));
    if (retry_eintr([&] { return ::fsync(fd.get()); }) != 0)
      return failed(dir, "fsync", errno);
    return {};
  }
  bool exists(const std::string& path) override {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0;
  }
  result<uint64_t> file_size(const std::string& path) override {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0)
      return failed(path, "stat", errno);
    return static_cast<uint64_t>(st.st_size);
  }
  result<uint64_t> tree_size(const std::string& dir) override {
    TROUPE_ASSIGN(const auto entries, list(dir));
    uint64_t total = 0;
    for (const auto& e : entries) {
      const std::string path = join_path(dir, e.name);
      // What vanishes meanwhile counts as nothing.
      const auto part = e.is_directory ? tree_size(path) : file_size(path);
      if (!part.ok() && part.code() != errc::not_found)
        return part.error();
      total += part.value_or(uint64_t{0});
    }
    return total;
  }
  result<std::unique_ptr<file_lock>> lock(const std::string& path) override {
    TROUPE_ASSIGN(auto fd, open_file(path, O_RDWR | O_CREAT));
    if (retry_eintr([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno == EWOULDBLOCK)
        return {errc::already_exists, path + ": another process holds the lock"};
      return failed(path, "flock", errno);
    }
    // The process id is for people who look at the file; the lock does not depend on it.
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
      if (errno != ENOSPC && errno != EDQUOT)
        return failed(path, "write", errno);
    return std::unique_ptr<file_lock>(new posix_lock(std::move(fd)));
  }
  result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0)
      return failed(path, "statvfs", errno);
    return static_cast<uint64_t>(st.f_bavail) * st.f_frsize;
  }

 private:
  static result<std::unique_ptr<writable_file>> open_writable(const std::string& path, int flags) {
    TROUPE_ASSIGN(auto fd, open_file(path, O_WRONLY | O_CREAT | flags));
    TROUPE_ASSIGN(const uint64_t size, size_of(fd, path));
    return std::unique_ptr<writable_file>(
        new posix_writable(std::move(fd), path, size, (flags & O_TRUNC) != 0));
  }
};

}  // namespace

std::unique_ptr<file_system> make_posix_file_system() {
  return std::make_unique<posix_file_system>();
}

}  // namespace troupe
