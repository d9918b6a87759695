#include "client/cli/shell.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>

#include "client/agent/agent.hpp"
#include "client/background/answers.hpp"
#include "client/cli/call_ports.hpp"
#include "client/cli/console.hpp"
#include "client/cli/control_socket.hpp"
#include "client/cli/direct_port.hpp"
#include "client/cli/host.hpp"
#include "client/cli/input.hpp"
#include "client/cli/remote.hpp"
#include "client/cli/state_folder.hpp"
#include "client/cli/web.hpp"
#include "client/control/help.hpp"
#include "client/terminal/face.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/locate/finder.hpp"
#include "protocol/net/dns_client.hpp"
#include "protocol/net/https_client.hpp"
#include "protocol/net/sip_transport.hpp"
#include "protocol/net/source_address.hpp"
#include "protocol/trace/ladder.hpp"

namespace beckon::client::cli {
namespace {

invite::Options::Security security_of(std::string_view name) {
  using Security = invite::Options::Security;
  return name == "dtls" ? Security::dtls : name == "sdes" ? Security::sdes : Security::best;
}

using control::Cause;
using Then = control::Specification::Then;

/// The longest pause between pings to a server that has not set one: many servers, beckond among them, close
/// a connection after 120 s of silence.
constexpr Duration unasked_ping = 100s;

/// How long the answer to a ping may take (RFC 5626 4.4.1).
constexpr Duration pong_wait = 10s;

/// The id of the command by which an agent in the background registers.
constexpr std::string_view own_register = "run";

/// The id of the command by which a prompt asks how contacts are called; nobody has typed it.
constexpr const char* own_contacts = "names";

/// The result is known: a signal during the shutdown must not change the exit code.
void hold_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

std::string user_of(const std::string& aor) {
  const auto uri = sip::parse_uri(aor);
  return uri ? uri->user : aor;
}

Cause cause_of(ErrorCode error) { return net::is_distrust(error) ? Cause::untrusted : Cause::unreachable; }

/// TLS first; IPv6 if there is a route to the Internet.
locate::Abilities abilities() {
  return {.ipv6 = net::source_address({*parse_ip("2001:4860:4860::8888"), 53}).has_value()};
}

/// The running program: the agent with its sockets, files and streams. One thread.
class Shell final : private net::Receiver {
 public:
  explicit Shell(const Options& options)
      : options_(options),
        dns_(loop_, net::DnsClient::Options{.servers = options.name_servers}),
        locator_(dns_, abilities(), loop_.timers(), loop_.clock(), random_),
        port_(loop_.context(), options.direct_loopback),
        call_ports_(loop_.context()),
        ladder_(
            {.self = user_of(options.account.aor), .is_server = false, .colour = may_colour(STDOUT_FILENO)}),
        face_({.home = options.account.domain, .local = local_date, .colour = may_colour(STDOUT_FILENO)}),
        naming_(options.account.domain) {
    boost::json::error_code unreadable;
    const auto contacts = boost::json::parse(StateFolder::contacts(options.state), unreadable);
    if (!unreadable && contacts.is_object()) naming_.learn(contacts.as_object());
  }

  int run() {
    if (options_.attaches) {
      if (read_words() && attach()) {
        loop_.on_signal({SIGTERM, SIGINT, SIGWINCH, SIGCONT}, [this](int signal) { on_signal(signal); });
        loop_.run();
      }
    } else if (read_words() && open_files() && open_socket()) {
      loop_.on_signal({SIGTERM, SIGINT, SIGWINCH, SIGCONT}, [this](int signal) { on_signal(signal); });
      locator_.locate(options_.server, [this](const locate::Locator::Hops& servers) { on_located(servers); });
      loop_.run();
    }
    hold_signals();
    return static_cast<int>(cause_);
  }

 private:
  using ReadCommand = boost::system::result<control::Command, control::Rejected>;

  bool read_words();
  bool open_files();
  bool open_socket();
  void serve();
  bool attach();
  void on_remote_event(const boost::json::object& event);
  void leave();
  void on_located(const locate::Locator::Hops& servers);
  void connect(std::size_t number);
  void start(std::size_t number, const Address& local);
  Result<void> open_datagrams();
  std::vector<net::Hop> with_local(std::vector<net::Hop> servers) const;
  void locate_again();
  void on_signal(int signal);
  void read_input();
  void open_console();
  void ask_names();
  void learn_names(const boost::json::object& contacts);
  void on_typed(const std::string& line);
  void on_input_over();
  void say(std::string_view lines);
  void on_line(const std::string& line);
  void write_pins();
  void write_peers(const message::Peers& peers);
  void write_published(const std::string& etag);
  bool displays_messages() const;
  void execute(const ReadCommand& command);
  void execute_remotely(const ReadCommand& command);
  bool is_shown(const boost::json::object& event) const;
  bool hides(const boost::json::object& event);
  void emit(const boost::json::object& event);
  void on_result(const boost::json::object& event);
  void on_own_registration(const boost::json::object& result);
  void on_command_ended();
  void warn(std::string_view text);
  void quit();
  void end(Cause cause, std::string_view why = {});

  // net::Receiver
  void on_message(const net::Hop& from, sip::Message message) override {
    if (agent_) agent_->on_message(from, message, loop_.now());
  }
  void on_malformed(const net::Hop& from, ErrorCode error, std::string_view text) override {
    if (agent_) agent_->on_malformed(from, error, text, loop_.now());
  }
  void on_flow_opened(const net::Hop& flow) override {
    if (agent_) agent_->on_flow_opened(flow, loop_.now());
  }
  void on_flow_closed(net::FlowId flow) override {
    if (agent_) agent_->on_flow_closed(flow, loop_.now());
  }

  const Options& options_;
  net::Loop loop_;
  crypto::SystemRandom random_;
  net::DnsClient dns_;
  locate::Finder locator_;
  std::vector<net::Hop> servers_;  ///< In the order to try.
  ErrorCode why_;                  ///< Why no server could be reached.
  std::uint16_t local_port_ = 0;
  DirectPort port_;
  CallPorts call_ports_;
  std::optional<StateFolder> folder_;
  direct::Keyring keyring_;
  direct::Pins pins_;
  message::Peers peers_;  ///< As they were at the start.
  net::TlsContextPtr tls_;
  std::unique_ptr<net::SipTransport> transport_;
  std::unique_ptr<Web> web_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<Host> host_;             ///< Of `beckon run`.
  std::unique_ptr<Remote> remote_;         ///< The agent in the background, instead of an own one.
  std::string call_;                       ///< The session that a one-shot command began there.
  std::unique_ptr<Input> input_;           ///< Or
  std::unique_ptr<Console> console_;       ///< for a person at a terminal.
  std::optional<control::Command> words_;  ///< The one-shot command.
  trace::Ladder ladder_;                   ///< For people, as
  terminal::Face face_;                    ///< this.
  control::Naming naming_;                 ///< Of typed commands.
  bool asks_names_ = false;                ///< The next event "contacts" is for `naming_` alone.
  Cause cause_ = Cause::done;              ///< Of the exit code.
  int running_ = 0;                        ///< Commands without a result yet.
  bool input_over_ = false;
  bool quitting_ = false;
  bool ended_ = false;
};

/// A one-shot command is checked before anything is sent.
bool Shell::read_words() {
  if (options_.words.empty()) return true;
  auto command = control::parse_words(options_.words, naming_);
  if (!command) {
    const auto* const meant = command.error().specification;
    const std::string more =
        meant == nullptr ? "" : fmt::format("; `beckon help {}` explains it", meant->name);
    end(Cause::usage, command.error().error.message() + ": " + command.error().detail + more);
    return false;
  }
  words_ = std::move(*command);
  words_->id = "command";
  cause_ = Cause::failed;  // until it has a result
  return true;
}

bool Shell::open_files() {
  const auto refuse = [this](const std::string& what, const ErrorCode& error) {
    end(Cause::usage, what + ": " + error.message());
    return false;
  };
  auto folder = StateFolder::open(options_.state);
  if (!folder) return refuse(options_.state.string(), folder.error());
  folder_ = std::move(*folder);
  auto keyring = folder_->keyring(random_);
  if (!keyring) return refuse("keys in " + options_.state.string(), keyring.error());
  keyring_ = std::move(*keyring);
  auto pins = folder_->pins();
  if (!pins) return refuse("pins in " + options_.state.string(), pins.error());
  pins_ = std::move(*pins);
  auto peers = folder_->peers();
  if (!peers) return refuse("peers in " + options_.state.string(), peers.error());
  peers_ = std::move(*peers);
  auto tls = options_.fingerprint.empty() ? net::TlsContext::client(options_.ca_file)
                                          : net::TlsContext::pinned_client(options_.fingerprint);
  if (!tls) return refuse("--ca " + options_.ca_file, tls.error());
  tls_ = std::move(*tls);
  return true;
}

/// Other programs use this agent as soon as there is one.
bool Shell::open_socket() {
  if (!options_.runs) return true;
  if (has_agent(options_.socket)) {
    end(Cause::usage, "an agent of this account runs in the background already; \"beckon quit\" ends it");
    return false;
  }
  host_ = std::make_unique<Host>(
      loop_,
      background::Hub::Agent{.execute = [this](const control::Command& command) { execute(command); },
                             .refuse = [this](const control::Rejected& rejected) { execute(rejected); }},
      options_.account.domain);
  return true;
}

/// Registers, and lets controllers in.
void Shell::serve() {
  if (const auto listening = host_->listen(options_.socket); !listening)
    return end(Cause::usage, options_.socket.string() + ": " + listening.error().message());
  const std::vector<std::string> words{"register"};
  auto command = control::parse_words(words);
  command->id = own_register;
  execute(*command);
}

bool Shell::attach() {
  remote_ = std::make_unique<Remote>(
      loop_,
      Remote::Handlers{.on_event = [this](const boost::json::object& event) { on_remote_event(event); },
                       .on_end = [this] { end(cause_, "the agent in the background has ended"); }});
  if (auto folder = StateFolder::open(options_.state)) folder_ = std::move(*folder);
  const auto connected = remote_->connect(options_.socket);
  if (!connected) end(Cause::unreachable, options_.socket.string() + ": " + connected.error().message());
  return connected.has_value();
}

void Shell::on_remote_event(const boost::json::object& event) {
  const bool is_last = event.at("event") == "bye";
  if (is_last && words_ && words_->specification->then == Then::quit) return end(cause_);
  if (is_last) return end(cause_, "the agent in the background has ended");
  emit(event);
  if (event.at("event") == "ready") words_ ? execute(*words_) : read_input();
}

/// Lets the agent in the background go on. A session that this command began does not outlive it.
void Shell::leave() {
  if (!call_.empty()) {
    const std::vector<std::string> words{"hangup", call_};
    if (const auto command = control::parse_words(words)) remote_->execute(*command);
  }
  end(cause_);
}

void Shell::on_located(const locate::Locator::Hops& servers) {
  if (!servers) return end(Cause::unreachable, options_.server_text + ": " + servers.error().message());
  servers_ = *servers;
  net::SipTransport::Options transport;
  transport.tls_client = tls_;
  transport.keep_alive = options_.keep_alive.value_or(unasked_ping);
  transport.pong_wait = Duration::zero();  // until the server has promised to answer
  transport.random = &random_;
  transport.on_stun = [this](const Address& from, ByteView message) {
    if (agent_) agent_->on_stun(from, message, loop_.now());
    return std::optional<Bytes>();
  };
  net::Receiver& receiver = *this;
  transport_ = std::make_unique<net::SipTransport>(loop_, std::move(transport), receiver);
  if (const auto opened = open_datagrams(); !opened) return end(Cause::unreachable, opened.error().message());
  connect(0);
}

/// Opens a UDP socket, if any server is reached over UDP.
Result<void> Shell::open_datagrams() {
  for (const net::Hop& server : servers_) {
    if (server.protocol != transaction::Protocol::udp) continue;
    const auto local = net::source_address(server.remote);
    if (!local) return local.error();
    // This machine may get another address, which `with_local` finds. On loopback it does not.
    const IpAddress any{.family = local->family};
    const auto bound =
        transport_->listen(transaction::Protocol::udp, {local->is_loopback() ? *local : any, 0});
    if (!bound) return bound.error();
    local_port_ = bound->port;
    return {};
  }
  return {};
}

/// The first server that accepts a connection is used. Over UDP the REGISTER shows whether the server works.
void Shell::connect(std::size_t number) {
  const net::Hop& server = servers_[number];
  if (server.protocol == transaction::Protocol::udp) return start(number, {{}, local_port_});
  transport_->connect(server, [this, number](Result<net::Hop> flow) {
    if (!flow) {
      // The next address may refuse without any meaning: localhost is often served on one family only.
      const bool says_little = !why_ || why_ == boost::system::errc::connection_refused;
      if (says_little || cause_of(flow.error()) == Cause::untrusted) why_ = flow.error();
      if (number + 1 < servers_.size()) return connect(number + 1);
      return end(cause_of(why_), options_.server_text + ": " + why_.message());
    }
    // Requests name the server, not this flow: when it is lost the next request dials again.
    start(number, flow->local);
    if (agent_) agent_->on_flow_opened(*flow, loop_.now());
  });
}

/// Adds the local address that packets to each server are sent from.
std::vector<net::Hop> Shell::with_local(std::vector<net::Hop> servers) const {
  for (net::Hop& server : servers) {
    server.local = {IpAddress{.family = server.remote.ip.family}, local_port_};
    if (const auto local = net::source_address(server.remote)) server.local.ip = *local;
  }
  return servers;
}

void Shell::locate_again() {
  locator_.locate(options_.server, [this](const locate::Locator::Hops& servers) {
    if (servers) agent_->set_servers(with_local(*servers));
    if (!servers) log::warn("account", "{}: {}", options_.server_text, servers.error().message());
  });
}

/// `number` is the server to use first; those before it have failed.
void Shell::start(std::size_t number, const Address& local) {
  local_port_ = local.port;
  auto servers = servers_;
  std::rotate(servers.begin(), servers.begin() + static_cast<std::ptrdiff_t>(number), servers.end());
  const auto opened = port_.open({.on_datagram =
                                      [this](const Address& from, ByteView datagram) {
                                        if (agent_) agent_->on_datagram(from, datagram, loop_.now());
                                      },
                                  .on_unreachable =
                                      [this](const Address& to) {
                                        if (agent_) agent_->on_unreachable(to, loop_.now());
                                      }});
  if (!opened) log::warn("direct", "no port for direct sessions: {}", opened.error().message());
  const auto [origin, root] = split_url(options_.xcap_url);
  web_ = std::make_unique<Web>(loop_, tls_, locator_, origin);
  account::Account account = options_.account;
  account.instance = keyring_.instance;
  agent_ = std::make_unique<Agent>(
      Agent::Config{std::move(account),
                    with_local(std::move(servers)),
                    options_.server_text,
                    root,
                    options_.tracing,
                    {},
                    options_.keep_alive,
                    options_.has_gruu_contact,
                    {.displays = displays_messages(),
                     .peers = peers_,
                     .on_peers_changed = [this](const message::Peers& peers) { write_peers(peers); }},
                    {.etag = folder_->published(),
                     .on_changed = [this](const std::string& etag) { write_published(etag); }},
                    origin,
                    {.security = security_of(options_.media_security), .takes_plain = options_.plain_media}},
      keyring_,
      Agent::Edges{
          *transport_, loop_.timers(), loop_.clock(), random_, *web_, port_, pins_, [this] { write_pins(); },
          [this] { locate_again(); },
          [this](net::FlowId flow, Duration longest) { transport_->keep_alive(flow, longest, pong_wait); },
          &call_ports_, [this](net::FlowId flow) { transport_->close(flow); }},
      [this](boost::json::object event) { emit(event); });
  agent_->start(loop_.now());
  agent_->choose_files({options_.play, options_.record});
  host_ ? serve() : words_ ? execute(*words_) : read_input();
}

void Shell::write_pins() {
  if (const auto written = folder_->write_pins(pins_); !written) {
    log::error("direct", "pins cannot be stored: {}", written.error().message());
  }
}

void Shell::write_published(const std::string& etag) {
  if (const auto written = folder_->write_published(etag); !written)
    log::warn("presence", "what is published cannot be stored: {}", written.error().message());
}

void Shell::write_peers(const message::Peers& peers) {
  if (const auto written = folder_->write_peers(peers); !written)
    log::warn("message", "how peers take messages cannot be stored: {}", written.error().message());
}

/// A person sees what is written to a terminal. A program says itself what its user has seen.
bool Shell::displays_messages() const {
  return !options_.json && options_.read_receipts && ::isatty(STDOUT_FILENO) == 1;
}

void Shell::on_signal(int signal) {
  if (signal != SIGWINCH && signal != SIGCONT) return quit();
  if (console_) signal == SIGWINCH ? console_->on_resize() : console_->on_continue();
}

void Shell::open_console() {
  console_ = std::make_unique<Console>(
      loop_, options_.account.user, options_.account.domain, folder_ ? &*folder_ : nullptr,
      Console::Handlers{.on_line = [this](const std::string& line) { on_typed(line); },
                        .on_interrupt = [this] { quit(); },
                        .on_end = [this] { on_input_over(); }});
  say(fmt::format(
      "beckon {}: {}@{} at {}. Times are local ({}).\nType help, or Tab for what may stand there.\n",
      BECKON_VERSION, options_.account.user, options_.account.domain,
      remote_ ? "the agent in the background" : options_.server_text, local_date(loop_.now().wall)));
  ask_names();
}

/// What the address book says now; a server without one leaves what was known.
void Shell::ask_names() {
  const std::vector<std::string> words{"contacts", "list"};
  auto command = control::parse_words(words);
  command->id = own_contacts;
  asks_names_ = true;
  execute(*command);
}

void Shell::learn_names(const boost::json::object& contacts) {
  naming_.learn(contacts);
  if (!folder_) return;
  if (const auto written = folder_->write_contacts(boost::json::serialize(contacts)); !written)
    log::warn("contacts", "names of contacts cannot be stored: {}", written.error().message());
}

/// Several lines, as of a paste, are several commands: unless the first of them takes all that follows, or a
/// quotation mark holds the lines together.
void Shell::on_typed(const std::string& line) {
  const auto whole = control::parse_line(line, naming_);
  const bool takes_all =
      whole && std::ranges::any_of(whole->specification->arguments, &control::Argument::takes_rest);
  if (takes_all) return on_line(line);
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (quoted || line[i] != '\n') continue;
    on_line(line.substr(begin, i - begin));
    begin = i + 1;
  }
  on_line(line.substr(begin));
}

void Shell::say(std::string_view lines) {
  if (console_) return console_->show(lines);
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  if (std::fflush(stdout) != 0) loop_.stop();  // the reader has gone
}

void Shell::on_input_over() {
  input_over_ = true;
  on_command_ended();
}

void Shell::read_input() {
  if (!options_.json && Terminal::is_usable()) return open_console();
  input_ = std::make_unique<Input>(
      loop_, Input::Handlers{
                 .on_line = [this](const std::string& line) { on_line(line); },
                 .on_too_long =
                     [this] {
                       execute(control::Rejected{
                           control::Errc::too_long, {}, fmt::format("{} octets at most", control::line_max)});
                     },
                 .on_end = [this] { on_input_over(); }});
}

void Shell::on_line(const std::string& line) {
  if (options_.json) return execute(control::parse_command(line, options_.account.domain));
  const auto typed = trim(line);
  if (typed.empty()) return;
  if (const auto about = control::asked_help(split(typed, ' '))) return say(control::print_help(*about));
  if (typed == "who") return say(face_.who());
  const auto command = control::parse_line(typed, naming_);
  if (console_ && command) console_->learn(*command);
  execute(command);
}

/// "quit" at a prompt leaves; "beckon quit" ends the agent.
void Shell::execute_remotely(const ReadCommand& command) {
  if (command && (words_ || command->specification->then != Then::quit)) return remote_->execute(*command);
  boost::json::object event = control::make_event("result", loop_.now());
  const std::string& id = command ? command->id : command.error().id;
  const auto* specification = command ? command->specification : command.error().specification;
  if (!id.empty()) event["id"] = id;
  event["command"] = specification != nullptr ? specification->name : "";
  event["ok"] = command.has_value();
  event["cause"] = control::to_string(command ? Cause::done : Cause::usage);
  if (!command) event["reason"] = command.error().error.message() + ": " + command.error().detail;
  emit(event);
  if (!command) return;
  if (!options_.json) say("the agent goes on in the background; \"beckon quit\" ends it\n");
  end(Cause::done);
}

void Shell::execute(const ReadCommand& command) {
  ++running_;
  if (remote_) return execute_remotely(command);
  const bool quits = command && command->specification->then == Then::quit;
  if (quits && !std::exchange(quitting_, true)) {
    // A server that does not answer must not delay the end.
    loop_.timers().set(loop_.now().mono + 5s, [this](Time) { end(cause_); });
  }
  command ? agent_->execute(*command, loop_.now()) : agent_->refuse(command.error(), loop_.now());
}

/// Every event passes here.
void Shell::emit(const boost::json::object& event) {
  if (ended_ && event.at("event") != "bye") return;  // "bye" is the last line
  if (host_) host_->on_event(event);
  if (event.at("event") == "contacts") learn_names(event);
  const bool is_hidden = hides(event);
  if (event.at("event") == "result" && is_hidden) return on_result(event);
  if (is_hidden) return;
  const std::string text = options_.json                  ? control::print(event)
                           : event.at("event") == "trace" ? ladder_.draw(trace::from_json(event))
                                                          : face_.tell(event);
  console_ ? console_->show(event, text) : say(text);
  if (event.at("event") == "result") on_result(event);
}

/// The prompt's own question is not shown.
bool Shell::hides(const boost::json::object& event) {
  const std::string_view name = event.at("event").as_string();
  if (name == "contacts" && std::exchange(asks_names_, false)) {
    if (console_) console_->show(event, {});
    return true;
  }
  const auto* const id = event.if_contains("id");
  if (name == "result" && id != nullptr && *id == own_contacts) {
    asks_names_ = false;
    return true;
  }
  return !is_shown(event);
}

/// What an agent in the background learns is for its controllers: what people write does not belong into the
/// log of a service. A one-shot command shows its answer, and not what else happens there.
bool Shell::is_shown(const boost::json::object& event) const {
  const std::string_view name = event.at("event").as_string();
  if (host_ && !options_.json)
    return name == "registration" || name == "publication" || name == "connection" || name == "warning";
  const bool answers = remote_ && words_ && words_->specification->then == Then::end;
  return !answers || name == "result" || name == "bye" || background::is_answer(name, words_->name());
}

/// The result of a one-shot command decides the exit code.
void Shell::on_result(const boost::json::object& event) {
  --running_;
  loop_.post([this] { on_command_ended(); });
  const auto* id = event.if_contains("id");
  if (host_ && id != nullptr && id->is_string() && id->as_string() == own_register)
    return on_own_registration(event);
  const bool changes_names =
      console_ && event.at("ok").as_bool() && event.at("command").as_string().starts_with("contacts ");
  if (changes_names && (id == nullptr || *id != own_contacts)) ask_names();
  if (!words_ || id == nullptr || *id != "command") return;
  const auto cause = control::parse_cause(event.at("cause").as_string());
  const bool stays = options_.stay || words_->specification->then == Then::stay;
  cause_ = cause;
  if (const auto* call = event.if_contains("call"); remote_ && call != nullptr && call->is_string())
    call_ = call->as_string();
  if (cause == Cause::done && stays) return;
  if (remote_) return loop_.post([this] { end(cause_); });
  if (cause == Cause::done && words_->name() == "register")
    warn("the device is registered only while beckon runs; --stay keeps it running");
  const bool leaves = words_->specification->then == Then::leave;
  loop_.post([this, leaves] { leaves ? quit() : end(cause_); });
}

/// An agent that the server does not want is of no use. What may pass is tried again.
void Shell::on_own_registration(const boost::json::object& result) {
  const auto cause = control::parse_cause(result.at("cause").as_string());
  if (cause != Cause::credentials && cause != Cause::untrusted && cause != Cause::refused) return;
  const auto* reason = result.if_contains("reason");
  end(cause, reason != nullptr && reason->is_string() ? std::string_view(reason->as_string()) : "");
}

void Shell::warn(std::string_view text) {
  boost::json::object event = control::make_event("warning", loop_.now());
  event["text"] = text;
  emit(event);
}

/// After the end of input, commands in progress still report their results.
void Shell::on_command_ended() {
  if (agent_ && agent_->is_finished()) return end(cause_);
  if (input_over_ && running_ == 0 && !quitting_) quit();
}

/// Executes "quit"; called again, ends at once.
void Shell::quit() {
  if (remote_) return leave();
  if (!agent_ || quitting_) return end(cause_);
  control::Command command;
  command.specification = &control::quit();
  execute(std::move(command));
}

void Shell::end(Cause cause, std::string_view why) {
  if (std::exchange(ended_, true)) return;
  cause_ = cause;
  if (!why.empty()) std::cerr << "beckon: " << why << '\n';
  boost::json::object event = control::make_event("bye", loop_.now());
  event["cause"] = control::to_string(cause);
  event["exit_code"] = static_cast<int>(cause);
  if (options_.json || host_) emit(event);
  if (host_) host_->close();
  if (console_) console_->leave();
  port_.close();
  loop_.stop();
}

}  // namespace

int run(const Options& options) {
  std::signal(SIGPIPE, SIG_IGN);
  return Shell(options).run();
}

}  // namespace beckon::client::cli
