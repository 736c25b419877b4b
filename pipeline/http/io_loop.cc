#include "pipeline/http/io_loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace troupe::http {

namespace {

constexpr size_t block_bytes = 320;  // what Asio needs for a read is below
constexpr size_t kept_blocks = 1024;

}  // namespace

block_pool::~block_pool() {
  for (void* b : free_)
    ::operator delete(b);
}

void* block_pool::take(size_t size) {
  if (size > block_bytes || free_.empty())
    return ::operator new(std::max(size, block_bytes));
  void* out = free_.back();
  free_.pop_back();
  return out;
}

void block_pool::give(void* block, size_t size) {
  if (size > block_bytes || free_.size() == kept_blocks)
    ::operator delete(block);
  else
    free_.push_back(block);
}

struct io_loop::impl {
  block_pool blocks;  ///< before the context, which gives back when it goes
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  boost::asio::steady_timer timer{context};
  std::function<bool()> tick;
  std::chrono::milliseconds period{0};
  bool armed = false;
  std::thread thread;

  void arm() {
    if (armed || !tick)
      return;
    armed = true;
    timer.expires_after(period);
    timer.async_wait([this](const boost::system::error_code& ec) {
      armed = false;
      if (!ec && tick())
        arm();
    });
  }
};

io_loop::io_loop() : impl_(std::make_unique<impl>()) {}

io_loop::~io_loop() {
  stop();
}

void io_loop::start(const std::string& name) {
  // Signals are the supervisor's: none is delivered to an I/O thread.
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  impl_->thread = std::thread([this] { impl_->context.run(); });
  pthread_setname_np(impl_->thread.native_handle(), name.substr(0, 15).c_str());
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void io_loop::stop() {
  impl_->context.stop();
  if (impl_->thread.joinable())
    impl_->thread.join();
}

void io_loop::post(std::function<void()> f) {
  boost::asio::post(impl_->context, std::move(f));
}

void io_loop::set_ticks(int64_t period_ms, std::function<bool()> tick) {
  impl_->period = std::chrono::milliseconds(period_ms);
  impl_->tick = std::move(tick);
}

void io_loop::arm_ticks() {
  impl_->arm();
}

block_pool& io_loop::blocks() {
  return impl_->blocks;
}

boost::asio::io_context& io_loop::context() {
  return impl_->context;
}

}  // namespace troupe::http
