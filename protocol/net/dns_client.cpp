#include "protocol/net/dns_client.hpp"

#include <ares.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fstream>
#include <map>
#include <set>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

namespace beckon::net {

using locate::Answer;
using locate::Question;
using locate::Type;

namespace {

constexpr int datagram_octets = 1232;            // what passes everywhere (DNS flag day 2020)
constexpr std::size_t hosts_max = 10000;         // names kept of the hosts file
constexpr std::chrono::seconds hosts_ttl{3600};  // any: the file is read once
constexpr int internet = 1;

using Hosts = std::map<std::string, std::vector<IpAddress>, std::less<>>;

Hosts read_hosts(const std::filesystem::path& file) {
  Hosts hosts;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line) && hosts.size() < hosts_max) {
    for (char& c : line) {
      if (is_blank(c)) c = ' ';
    }
    const auto words = split(cut(line, '#').first, ' ');
    const auto ip = words.empty() ? std::nullopt : parse_ip(words.front());
    if (!ip) continue;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (!words[i].empty()) hosts[to_lower(words[i])].push_back(*ip);
    }
  }
  return hosts;
}

/// Initialised once for the program, and never cleaned up: other users of c-ares may be left.
void init_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status != ARES_SUCCESS) log::error("net", "c-ares: {}", ares_strerror(status));
}

}  // namespace

struct DnsClient::Impl : std::enable_shared_from_this<Impl> {
  using Descriptor = boost::asio::posix::stream_descriptor;
  /// A socket of c-ares, which opens and closes it. We watch it.
  struct Socket {
    explicit Socket(Loop& loop, int fd) : descriptor(loop.context(), fd) {}
    ~Socket() { descriptor.release(); }
    Descriptor descriptor;
    bool reads = false, writes = false;                  ///< What c-ares waits for.
    bool waits_to_read = false, waits_to_write = false;  ///< What Asio was asked.
  };
  struct Pending {
    std::shared_ptr<Impl> impl;
    Question question;
    Done done;
  };

  explicit Impl(Loop& owner) : loop(owner), timer(owner.timers()) {}
  ~Impl() { close(); }

  void open(const Options& options);
  void close();
  void ask(const Question& question, Done done);
  const std::vector<IpAddress>* find_host(std::string_view name) const;
  void answer_later(Answer answer, Done done);
  static void on_answer(void* pending, int status, int timeouts, unsigned char* octets, int size);
  static void on_socket(void* self, ares_socket_t fd, int reads, int writes);
  void watch(int fd);
  void on_ready(int fd, Descriptor::wait_type what);
  void arm_timer();

  Loop& loop;
  Timer timer;
  Hosts hosts;
  ares_channel channel = nullptr;
  std::map<int, std::shared_ptr<Socket>> sockets;
  bool asking = false;  ///< Inside ares_query: it may call back at once.
};

void DnsClient::Impl::open(const Options& options) {
  init_library();
  if (!options.hosts.empty()) hosts = read_hosts(options.hosts);
  ares_options wanted{};
  wanted.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS;
  wanted.timeout =
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(options.timeout).count());
  wanted.tries = options.tries;
  wanted.ednspsz = datagram_octets;
  wanted.sock_state_cb = &Impl::on_socket;
  wanted.sock_state_cb_data = this;
  int status = ares_init_options(
      &channel, &wanted,
      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !options.servers.empty()) {
    std::string list;
    for (const Address& server : options.servers) list += (list.empty() ? "" : ",") + print(server);
    status = ares_set_servers_ports_csv(channel, list.c_str());
  }
  if (status != ARES_SUCCESS) log::error("net", "no name service: {}", ares_strerror(status));
  if (status != ARES_SUCCESS) close();
}

/// c-ares calls back for every open question; those calls are not passed on.
void DnsClient::Impl::close() {
  timer.cancel();
  if (channel) ares_destroy(std::exchange(channel, nullptr));
  sockets.clear();
}

/// For its names the hosts file alone is asked: they have no SRV and NAPTR records.
const std::vector<IpAddress>* DnsClient::Impl::find_host(std::string_view name) const {
  while (name.starts_with('_')) name = cut(name, '.').second;
  const auto found = hosts.find(name);
  return found == hosts.end() ? nullptr : &found->second;
}

void DnsClient::Impl::answer_later(Answer answer, Done done) {
  loop.post([weak = weak_from_this(), answer = std::move(answer), done = std::move(done)] {
    if (const auto self = weak.lock(); self && self->channel) done(answer);
  });
}

void DnsClient::Impl::ask(const Question& question, Done done) {
  if (!channel) return loop.post([done = std::move(done)] { done(Answer{}); });
  if (const auto* ips = find_host(question.name)) {
    Answer answer{.kind = Answer::Kind::no_data, .ttl = hosts_ttl};
    const auto family = question.type == Type::aaaa ? IpAddress::Family::v6 : IpAddress::Family::v4;
    for (const IpAddress& ip : *ips) {
      const bool asked = question.type == Type::a || question.type == Type::aaaa;
      if (asked && ip.family == family && answer.addresses.size() < locate::max_records)
        answer.addresses.push_back(ip);
    }
    if (!answer.addresses.empty()) answer.kind = Answer::Kind::found;
    return answer_later(std::move(answer), std::move(done));
  }
  auto pending = std::make_unique<Pending>(Pending{shared_from_this(), question, std::move(done)});
  asking = true;
  ares_query(channel, question.name.c_str(), internet, static_cast<int>(question.type), &Impl::on_answer,
             pending.release());
  asking = false;
  arm_timer();
}

void DnsClient::Impl::on_answer(void* pending, int status, int, unsigned char* octets, int size) {
  const std::unique_ptr<Pending> mine(static_cast<Pending*>(pending));
  Impl& impl = *mine->impl;
  if (!impl.channel || status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
  Answer answer;
  const bool has_octets = octets != nullptr && size > 0;
  if (has_octets) {
    const auto read = locate::read_answer(mine->question, {octets, static_cast<std::size_t>(size)});
    if (read) answer = *read;
    if (!read) log::debug("net", "{}: {}", mine->question.name, read.error().message());
  } else {
    log::debug("net", "{} {}: {}", mine->question.name, to_string(mine->question.type),
               ares_strerror(status));
  }
  if (impl.asking) return impl.answer_later(std::move(answer), std::move(mine->done));
  mine->done(answer);
}

void DnsClient::Impl::on_socket(void* self, ares_socket_t fd, int reads, int writes) {
  Impl& impl = *static_cast<Impl*>(self);
  if (reads == 0 && writes == 0) {
    impl.sockets.erase(fd);  // c-ares closes it next
    return;
  }
  auto& socket = impl.sockets[fd];
  if (!socket) socket = std::make_shared<Socket>(impl.loop, fd);
  socket->reads = reads != 0;
  socket->writes = writes != 0;
  impl.watch(fd);
}

void DnsClient::Impl::watch(int fd) {
  const auto found = sockets.find(fd);
  if (found == sockets.end()) return;
  const auto& socket = found->second;
  const auto wait = [&](Descriptor::wait_type what, bool wanted, bool& waits) {
    if (!wanted || waits) return;
    waits = true;
    socket->descriptor.async_wait(
        what, [weak = weak_from_this(), watched = std::weak_ptr(socket), fd, what](const ErrorCode& error) {
          const auto self = weak.lock();
          const auto now = watched.lock();
          if (!self || !now || error) return;
          (what == Descriptor::wait_read ? now->waits_to_read : now->waits_to_write) = false;
          self->on_ready(fd, what);
        });
  };
  wait(Descriptor::wait_read, socket->reads, socket->waits_to_read);
  wait(Descriptor::wait_write, socket->writes, socket->waits_to_write);
}

void DnsClient::Impl::on_ready(int fd, Descriptor::wait_type what) {
  if (!channel) return;
  const auto self = shared_from_this();
  ares_process_fd(channel, what == Descriptor::wait_read ? fd : ARES_SOCKET_BAD,
                  what == Descriptor::wait_write ? fd : ARES_SOCKET_BAD);
  watch(fd);
  arm_timer();
}

void DnsClient::Impl::arm_timer() {
  if (!channel) return;
  timeval longest{.tv_sec = 60, .tv_usec = 0}, left{};
  const timeval* next = ares_timeout(channel, &longest, &left);
  if (sockets.empty() || !next) return timer.cancel();
  const auto pause = std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
  timer.set(loop.now().mono + std::max<Duration>(pause, 1ms), [this](Time) {
    const auto self = shared_from_this();
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer();
  });
}

DnsClient::DnsClient(Loop& loop) : DnsClient(loop, Options{}) {}

DnsClient::DnsClient(Loop& loop, const Options& options) : impl_(std::make_shared<Impl>(loop)) {
  impl_->open(options);
}

DnsClient::~DnsClient() { impl_->close(); }

void DnsClient::ask(const Question& question, Done done) { impl_->ask(question, std::move(done)); }

}  // namespace beckon::net
