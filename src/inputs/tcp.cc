#include "inputs/tcp.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "inputs/input_tls.h"
#include "inputs/limits.h"
#include "inputs/passed_sockets.h"
#include "inputs/sockets.h"
#include "inputs/tcp_acceptor.h"
#include "inputs/tcp_connections.h"

namespace thorlog {
namespace {

constexpr int kBacklog = 4096;  // net.core.somaxconn may say less

class TcpInput final : public Input {
 public:
  TcpInput(const InputSettings& settings, std::vector<Fd> listeners, const SocketAddress& address, SharedTls tls,
           std::size_t workers)
      : name_(settings.name),
        listening_(settings.listen.is_passed() ? settings.listen.text()
                                               : endpoint_text(address_text(*address.raw()), address.port())),
        listeners_(std::move(listeners)),
        limits_(std::make_shared<InputLimits>(settings)),
        tls_(std::move(tls)),
        relp_(settings.type == InputType::relp),
        workers_(workers) {}

  void start(Loop& acceptor) override {
    THORLOG_ASSERT(clock_ != nullptr);  // attached before
    acceptor_ = std::make_unique<TcpAcceptor>(
        acceptor,
        TcpAcceptor::Environment{name_, *clock_, limits_, figures_,
                                 [this](Fd fd, const SocketAddress& from, std::shared_ptr<TcpPeer> peer) {
                                   hand_over(std::move(fd), from, std::move(peer));
                                 },
                                 [this](std::uint32_t refused) { tell_refused(refused); }},
        std::move(listeners_));
  }

  void stop_accepting() override {
    listeners_.clear();
    if (!acceptor_) return;
    acceptor_->finish();
    acceptor_.reset();
  }

  void update(const InputSettings& settings) override {
    const auto limits = std::make_shared<InputLimits>(settings);
    if (acceptor_) acceptor_->update(limits);
    auto tls = make_input_tls(settings);  // the files may be new, whatever their names are
    if (!tls) log(Severity::error, "input " + name_, tls.error().message() + "; the certificate stays as it was");
    const std::lock_guard lock(mutex_);
    limits_ = limits;
    if (tls) tls_ = *tls;
    for (Worker& worker : workers_) {
      if (!worker.accepts) continue;
      TcpNews news;
      news.limits = limits;
      news.tls = tls_;
      worker.connections->post(std::move(news));
    }
  }

  void attach(std::size_t worker, WorkerContext& context, std::size_t slot) override {
    const std::lock_guard lock(mutex_);
    Worker& attached = workers_[worker];
    THORLOG_ASSERT(!attached.connections);
    attached.connections = std::make_unique<TcpConnections>(
        TcpConnections::Environment{context, slot, limits_, figures_, name_, tls_, relp_});
    attached.loop = &context.loop;
    attached.accepts = true;
    clock_ = &context.clock;
  }

  void detach(std::size_t worker, std::function<void()> done) override {
    Worker& leaving = workers_[worker];
    {
      const std::lock_guard lock(mutex_);
      leaving.accepts = false;
    }
    leaving.connections->drain([this, &leaving, done = std::move(done)] {
      leaving.loop->later([this, &leaving, done] {
        {
          const std::lock_guard lock(mutex_);
          leaving.connections.reset();
        }
        done();
      });
    });
  }

  InputSnapshot snapshot() const override {
    InputSnapshot now;
    now.listening = listening_;
    now.connections = figures_.connections.load(std::memory_order_relaxed);
    now.paused = figures_.paused.load(std::memory_order_relaxed);
    std::transform(figures_.refused.begin(), figures_.refused.end(), now.refused_connections.begin(),
                   [](const auto& count) { return count.load(std::memory_order_relaxed); });
    return now;
  }

 private:
  struct Worker {
    std::unique_ptr<TcpConnections> connections;
    Loop* loop = nullptr;
    bool accepts = false;
  };

  // To the worker with the fewest connections; among equals in turn.
  void hand_over(Fd fd, const SocketAddress& from, std::shared_ptr<TcpPeer> peer) {
    const std::lock_guard lock(mutex_);
    Worker* chosen = nullptr;
    std::uint32_t least = 0;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      Worker& worker = workers_[(next_ + i) % workers_.size()];
      if (!worker.accepts) continue;
      const std::uint32_t load = worker.connections->load().load(std::memory_order_relaxed);
      if (chosen != nullptr && load >= least) continue;
      chosen = &worker;
      least = load;
    }
    ++next_;
    if (chosen == nullptr) return;
    TcpNews news{std::move(fd), from, TcpTicket(std::move(peer), figures_.connections, chosen->connections->load()),
                 nullptr,       0,    nullptr};
    chosen->connections->post(std::move(news));
  }

  // The books belong to workers; any of them will do.
  void tell_refused(std::uint32_t refused) {
    const std::lock_guard lock(mutex_);
    for (Worker& worker : workers_) {
      if (!worker.accepts) continue;
      TcpNews news;
      news.refused = refused;
      return worker.connections->post(std::move(news));
    }
  }

  const std::string name_;
  const std::string listening_;
  std::vector<Fd> listeners_;              // until start()
  std::unique_ptr<TcpAcceptor> acceptor_;  // acceptor's thread
  TcpFigures figures_;
  std::mutex mutex_;  // guards what follows: workers come and go on their own threads
  SharedLimits limits_;
  SharedTls tls_;
  const bool relp_;
  std::vector<Worker> workers_;
  std::size_t next_ = 0;
  const Clock* clock_ = nullptr;
};

Result<std::vector<Fd>> listen_at(const InputSettings& settings, bool v6_only) {
  auto address = to_socket_address(settings.listen);
  if (!address) return fail(std::move(address).error());
  auto fd = make_socket(*address, SOCK_STREAM, v6_only);
  if (!fd) return fail(std::move(fd).error());
  // Old connections of a daemon that was restarted must not keep the port; two listeners stay impossible.
  if (!set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1) ||
      ::bind(fd->get(), address->raw(), address->length) != 0 || ::listen(fd->get(), kBacklog) != 0) {
    return fail(listen_error(settings, errno));
  }
  std::vector<Fd> listeners;
  listeners.push_back(*std::move(fd));
  return listeners;
}

}  // namespace

Result<std::unique_ptr<Input>> open_tcp_input(const InputSettings& settings, std::span<const InputSettings> all,
                                              std::size_t workers) {
  auto tls = make_input_tls(settings);
  if (!tls) return fail(std::move(tls).error());
  auto listeners = settings.listen.is_passed() ? passed_sockets(settings.listen.passed, SOCK_STREAM)
                                               : listen_at(settings, must_be_v6_only(settings, all));
  if (!listeners) return fail(std::move(listeners).error());
  for (const Fd& fd : *listeners) set_keepalive(fd.get());  // accepted sockets inherit it
  auto address = local_address(listeners->front().get());
  if (!address) return fail(std::move(address).error());
  return std::unique_ptr<Input>(
      std::make_unique<TcpInput>(settings, *std::move(listeners), *address, *std::move(tls), workers));
}

}  // namespace thorlog
