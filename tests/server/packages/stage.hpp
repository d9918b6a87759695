#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/documents/dialoginfo.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/reginfo.hpp"
#include "protocol/documents/winfo.hpp"
#include "server/calls/lines.hpp"
#include "server/packages/dialog.hpp"
#include "server/packages/domain_registrations.hpp"
#include "server/packages/message_summary.hpp"
#include "server/packages/presence.hpp"
#include "server/packages/reg.hpp"
#include "server/packages/winfo.hpp"
#include "server/presence/presentities.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/store/memory.hpp"
#include "server/subscription/subscriptions.hpp"
#include "server/xcap/documents.hpp"
#include "tests/server/places.hpp"
#include "tests/support/virtual_clock.hpp"

/// One shard's registrar, documents, presentities and subscriptions on fake services: no socket, no thread,
/// no real time, and no transaction layer; requests arrive authenticated, NOTIFYs are answered by the test.
namespace beckon::server::test {

/// A NOTIFY that left.
struct Notified {
  Hop to;
  sip::Message message;
  std::function<void(const transaction::Outcome&, Now)> on_outcome;

  std::string state() const {
    const auto read = sip::parse_subscription_state(message.header(sip::HeaderId::subscription_state));
    REQUIRE(read.has_value());
    return read->state + (read->reason.empty() ? "" : ";" + read->reason);
  }
  documents::Presence presence() const {
    auto read = documents::parse_pidf(message.body());
    REQUIRE(read.has_value());
    return *read;
  }
  documents::WatcherInfo winfo() const {
    auto read = documents::parse_winfo(message.body());
    REQUIRE(read.has_value());
    return *read;
  }
  documents::RegistrationInfo reginfo() const {
    auto read = documents::parse_reginfo(message.body());
    REQUIRE(read.has_value());
    return *read;
  }
  documents::DialogInfo dialoginfo() const {
    auto read = documents::parse_dialoginfo(message.body());
    REQUIRE(read.has_value());
    return *read;
  }
  std::string basic() const {
    const auto document = presence();
    REQUIRE(document.tuples.size() == 1);
    REQUIRE(document.tuples.front().basic.has_value());
    return documents::to_string(*document.tuples.front().basic);
  }
};

class Stage final : public Services, public Sender, public Peers {
 public:
  /// Rooms and packages besides the server's own, added at each start before the store is read.
  using Add = std::function<void(Stage& stage, subscription::Packages& packages)>;

  explicit Stage(Settings settings = default_settings(), Add add = {},
                 std::shared_ptr<subscription::Tally> its_tally =
                     std::make_shared<subscription::Tally>(1, KeyedHash(1, 2)))
      : tally(std::move(its_tally)), settings_(std::move(settings)), add_(std::move(add)) {
    for (const std::string& aor : {alice, bob, carol}) memory.users[aor].aor = aor;
    start();
  }
  ~Stage() override { stop(); }

  static Settings default_settings() {
    Settings settings;
    settings.domains = {"example.org"};
    return settings;
  }
  /// As after kill -9: what the store has is there, nothing else; connections are gone.
  void restart() {
    stop();
    queue.clear();
    notifies.clear();
    start();
  }

  /// For the next start.
  void edit_settings(const std::function<void(Settings&)>& edit) { edit(settings_); }
  /// As a reload that takes domains away.
  void change_settings(const std::function<void(Settings&)>& edit) {
    edit(settings_);
    subscriptions->on_domains_gone(clock_.at);
    settle();
  }

  // Services, Sender
  const Settings& settings() const override { return settings_; }
  TimerQueue& timers() override { return queue; }
  Clock& clock() override { return clock_; }
  Random& random() override { return random_; }
  Directory& directory() override { return *directory_; }
  const std::vector<std::string>& options() const override { return options_; }
  using Services::respond;
  void respond(const Request& request, std::string response) override {
    auto message = sip::Message::parse(share(std::move(response)));
    REQUIRE(message.has_value());
    REQUIRE_FALSE(answers_.count(request.id));
    answers_.emplace(request.id, *message);
  }
  transaction::TransactionId send(Bucket, const transaction::Draft& draft, const Hop& to,
                                  transaction::OnOutcome on_outcome) override {
    // The layer puts our Via on top; the parser wants one.
    std::string request(draft.line);
    request += "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKstage\r\n";
    for (const std::string_view part : draft.headers) request += part;
    if (draft.body) request += *draft.body;
    auto message = sip::Message::parse(share(std::move(request)));
    REQUIRE(message.has_value());
    auto shared = std::make_shared<transaction::OnOutcome>(std::move(on_outcome));
    notifies.push_back(
        {to, *message, [shared](const transaction::Outcome& outcome, Now now) { (*shared)(outcome, now); }});
    return notifies.size();
  }
  void send_ack(std::string, const Hop&) override {}
  void cancel(transaction::TransactionId, std::string_view) override {}
  std::string sent_by(const Hop&) const override { return "192.0.2.1:5061"; }

  /// Runs what is due until `by` has passed.
  void wait(Duration by) {
    const Time end = clock_.at.mono + by;
    while (queue.next() && *queue.next() <= end) {
      step_to(*queue.next());
      queue.advance(clock_.at.mono);
    }
    step_to(end);
  }
  /// Waits until the store has what was committed, changes that waited for others included.
  void settle() {
    constexpr int most = 8;  // commits one after the other
    wait(store_latency);
    for (int i = 0; i < most && !is_quiet(); ++i) wait(store_latency);
  }

  /// Hands a request in, authenticated as `who`; returns its number for `answer`.
  std::uint64_t hand(const std::string& text, const Hop& from, const std::string& who) {
    auto message = sip::Message::parse(share(text), {.message = 1 << 20});
    REQUIRE(message.has_value());
    auto request = std::make_shared<Request>();
    request->id = ++last_request_;
    const auto to = message->to();
    request->bucket = bucket_of(sip::canonical_aor(to->uri));
    request->from = from;
    request->identity = {who, true};
    request->to_tag = to->tag().empty() ? mint(request->bucket) : std::string(to->tag());
    request->now = clock_.at;
    request->message = *message;
    if (const std::string aor = resource_of(*message); !aor.empty()) request->resource = directory_->get(aor);
    switch (message->method()) {
      case sip::Method::register_:
        registrar->on_request(request);
        break;
      case sip::Method::publish:
        publications->on_request(request);
        break;
      default:
        subscriptions->on_request(request);
    }
    return request->id;
  }
  bool is_answered(std::uint64_t id) const { return answers_.count(id) != 0; }
  const sip::Message& answer(std::uint64_t id) const {
    REQUIRE(answers_.count(id) == 1);
    return answers_.at(id);
  }

  /// The oldest NOTIFY not yet taken, answered with `status` (0: not answered).
  Notified take(int status = 200) {
    REQUIRE_FALSE(notifies.empty());
    Notified first = std::move(notifies.front());
    notifies.pop_front();
    if (status != 0) answer_notify(first, status);
    return first;
  }
  /// All NOTIFYs of that event, answered, until nothing more comes.
  std::vector<Notified> drain(std::string_view event = {}) {
    std::vector<Notified> all;
    while (!notifies.empty()) {
      Notified next = take();
      if (event.empty() || next.message.header(sip::HeaderId::event) == event) all.push_back(std::move(next));
    }
    return all;
  }
  void answer_notify(const Notified& notified, int status) {
    using Kind = transaction::Outcome::Kind;
    const Kind kind = status == 408 ? Kind::timeout : status == 503 ? Kind::transport_error : Kind::final;
    notified.on_outcome({kind, nullptr, status}, clock_.at);
  }
  void close_flow(transaction::FlowId flow) {
    directory_->on_flow_closed(flow, clock_.at);
    registrar->on_flow_closed(flow, clock_.at);
    publications->on_flow_closed(flow, clock_.at);
    subscriptions->on_flow_closed(flow, clock_.at);
    settle();
  }

  /// The administrator takes a user's access away.
  void end_user(const std::string& aor, bool removed) {
    if (removed) memory.users.erase(aor);
    for (Room* room : std::initializer_list<Room*>{subscriptions.get(), presentities.get(),
                                                   publications.get(), documents.get(), registrar.get()})
      room->on_user_gone(aor, removed, clock_.at);
    settle();
  }

  EntryPtr entry(const std::string& aor) { return directory_->get(aor); }
  /// A live table, by its name.
  Table table(const std::string& name) {
    for (const auto& tables : {presentities->tables(clock_.at), subscriptions->tables(clock_.at)})
      for (const Table& each : tables)
        if (each.name == name) return each;
    FAIL("no table ", name);
    return {};
  }
  /// Things held by presence and subscriptions; 0 when all have left.
  std::size_t size() const {
    return publications->size() + presentities->watches().size() + subscriptions->size();
  }

  /// Writes alice's presence rules as her client would.
  unsigned put_rules(const std::string& rules, const std::string& owner = alice) {
    return put("pres-rules", "application/auth-policy+xml", rules, owner);
  }
  unsigned put_hard_state(const std::string& document, const std::string& owner = alice) {
    return put("pidf-manipulation", "application/pidf+xml", document, owner);
  }
  unsigned put(const std::string& usage, const std::string& type, const std::string& text,
               const std::string& owner) {
    beckon::xcap::Request request;
    request.method = beckon::xcap::Method::put;
    request.target = "/xcap/" + usage + "/users/" + owner + "/index";
    request.headers = {{"Content-Type", type}};
    request.body = text;
    unsigned status = 0;
    documents->handle(request, {owner, true},
                      [&](beckon::xcap::Response response) { status = response.status; });
    settle();
    return status;
  }

  Duration store_latency = 1ms;  ///< From the next start on, for whatever is committed.
  std::string boot = "boot 1";   ///< Of the machine, at the next start.
  beckon::test::VirtualClock clock_;
  TimerQueue queue;
  store::Memory memory;
  std::deque<Notified> notifies;
  std::unique_ptr<registrar::Registrar> registrar;
  std::unique_ptr<xcap::Documents> documents;
  std::unique_ptr<publication::Publications> publications;
  std::unique_ptr<presence::Presentities> presentities;
  std::unique_ptr<packages::DomainRegistrations> domains;
  std::shared_ptr<subscription::Tally> tally;
  std::unique_ptr<calls::Lines> lines;
  std::unique_ptr<subscription::Subscriptions> subscriptions;
  subscription::Package* presence_package = nullptr;

 private:
  // Peers: there is no other bucket.
  bool deliver(Parcel parcel) override {
    if (parcel.room() == typeid(packages::DomainRegistrations)) parcel.open(domains.get(), clock_.at);
    if (parcel.room() == typeid(presence::Presentities)) parcel.open(presentities.get(), clock_.at);
    return true;
  }
  void deliver_back(Parcel parcel) override { (void)deliver(std::move(parcel)); }

  bool is_quiet() {
    bool quiet = true;
    directory_->each([&](const Entry& entry) { quiet = quiet && entry.is_quiet(); });
    return quiet;
  }

  struct Loading final : store::Loader {
    explicit Loading(Stage& s) : stage(s) {}
    void on_record(store::Record record) override {
      stage.registrar->restore(record, stage.clock_.at);
      stage.documents->restore(record, stage.clock_.at);
      stage.publications->restore(record, stage.clock_.at);
      stage.subscriptions->restore(record, stage.clock_.at);
    }
    void on_answer(store::Answer) override {}
    Stage& stage;
  };

  void step_to(Time time) {
    const Duration by = std::max(Duration::zero(), time - clock_.at.mono);
    clock_.at.mono += by;
    clock_.at.wall += std::chrono::floor<std::chrono::milliseconds>(by);
  }
  void stop() {
    subscriptions.reset();
    domains.reset();
    lines.reset();
    presentities.reset();
    publications.reset();
    documents.reset();
    registrar.reset();
    directory_.reset();
    store_.reset();
  }
  void start() {
    log::set_level(log::Level::off);
    memory.begin(boot, clock_.at);
    store_ = std::make_unique<store::MemoryStore>(memory, queue, clock_, store_latency);
    users_ = std::make_unique<store::MemoryUsers>(memory, queue, clock_, store_latency);
    bus_ = std::make_unique<store::LocalBus>(queue, clock_);
    directory_ = std::make_unique<Directory>(Directory::Parts{*store_, *users_, *bus_, queue, clock_});
    registrar = std::make_unique<registrar::Registrar>(*this, gruus_);
    documents = std::make_unique<xcap::Documents>(*this, *users_, std::make_shared<xcap::ServiceIndex>());
    publications = std::make_unique<publication::Publications>(*this, *registrar);
    presentities =
        std::make_unique<presence::Presentities>(*this, *this, *bus_, *publications, *registrar, *documents);
    lines = std::make_unique<calls::Lines>(*this, *this, *registrar);
    subscription::Packages packages;
    auto& watched = packages.add<packages::Presence>(presentities->watches());
    presence_package = &watched;
    auto& watchers = packages.add<packages::Winfo>(*this, watched, "WST", &presentities->watches());
    packages.add<packages::Winfo>(*this, watchers, "presence.winfo.winfo", nullptr);
    domains = std::make_unique<packages::DomainRegistrations>(
        *this, *this, *registrar, std::make_shared<packages::DomainRegistrations::Followers>(0));
    auto& reg = packages.add<packages::Reg>(*this, *registrar, *domains);
    packages.add<packages::Winfo>(*this, reg, "reg.winfo", nullptr);
    auto& dialog =
        packages.add<packages::Dialog>(*this, packages::Dialog::Parts{.presentities = *presentities,
                                                                      .publications = *publications,
                                                                      .registrar = *registrar,
                                                                      .lines = *lines});
    packages.add<packages::Winfo>(*this, dialog, "dialog.winfo", nullptr);
    packages.add<packages::MessageSummary>(
        std::make_unique<packages::PublishedMailbox>(*this, *publications));
    if (add_) add_(*this, packages);
    subscriptions = std::make_unique<subscription::Subscriptions>(*this, *this, *this, *store_, *users_,
                                                                  tally, std::move(packages));
    options_.clear();
    for (const Room* room : std::initializer_list<const Room*>{registrar.get(), publications.get()})
      for (const std::string& option : room->serves().options) options_.push_back(option);
    Loading loading(*this);
    memory.load(loading);
    registrar->restored(clock_.at);
    publications->restored(clock_.at);
    presentities->restored(clock_.at);
    subscriptions->restored(clock_.at);
  }

  Settings settings_;
  Add add_;
  SeededRandom random_{7};
  const Gruus gruus_{crypto::Key32{}};
  std::vector<std::string> options_;
  std::unique_ptr<store::MemoryStore> store_;
  std::unique_ptr<store::MemoryUsers> users_;
  std::unique_ptr<store::LocalBus> bus_;
  std::unique_ptr<Directory> directory_;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, sip::Message> answers_;
};

/// One device of a user: remembers its dialogs, CSeqs and entity-tag.
class Device {
 public:
  Device(Stage& stage, std::string aor, Hop hop) : stage_(stage), aor_(std::move(aor)), hop_(hop) {}

  /// Lines are full header lines. `settle`: waits for the store.
  std::uint64_t send(const std::string& method, const std::string& to, const std::vector<std::string>& lines,
                     const std::string& body = {}, bool settle = true) {
    ++cseq_;
    const std::string uri = to.find('<') == std::string::npos ? to : to.substr(1, to.find('>') - 1);
    std::string text = method + ' ' + uri + " SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK" +
                       std::to_string(cseq_) + "\r\nMax-Forwards: 70\r\nFrom: \"" + aor_.substr(4, 3) +
                       "\" <" + aor_ + ">;tag=" + tag_ + "\r\nTo: " + (uri == to ? '<' + to + '>' : to) +
                       "\r\nCall-ID: " + call_id_ + "\r\nCSeq: " + std::to_string(cseq_) + ' ' + method +
                       "\r\n";
    if (method == "SUBSCRIBE") text += "Contact: <sip:dev@192.0.2.9:5070>\r\n";
    for (const std::string& line : lines) text += line + "\r\n";
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const auto id = stage_.hand(text, hop_, aor_);
    if (settle) stage_.settle();
    return id;
  }

  /// A new subscription; the answer.
  sip::Message subscribe(const std::string& to, const std::string& event = "presence",
                         std::vector<std::string> lines = {}) {
    call_id_ = "call-" + std::to_string(++calls) + aor_;
    lines.push_back("Event: " + event);
    const auto& answer = stage_.answer(send("SUBSCRIBE", to, lines));
    dialog_to_ = std::string(answer.header(sip::HeaderId::to));
    event_ = event;
    return answer;
  }
  /// In the dialog of the last subscription.
  sip::Message refresh(std::uint32_t expires, std::vector<std::string> lines = {},
                       const std::string& event = {}) {
    lines.push_back("Event: " + (event.empty() ? event_ : event));
    lines.push_back("Expires: " + std::to_string(expires));
    return stage_.answer(send("SUBSCRIBE", dialog_to_, lines));
  }
  /// Initial without entity-tag, else a change of the same publication.
  sip::Message publish(const std::string& body, std::vector<std::string> lines = {},
                       const std::string& event = "presence",
                       const std::string& type = "application/pidf+xml") {
    lines.push_back("Event: " + event);
    if (!body.empty()) lines.push_back("Content-Type: " + type);
    if (!etag.empty()) lines.push_back("SIP-If-Match: " + etag);
    const auto& answer = stage_.answer(send("PUBLISH", aor_, lines, body));
    if (answer.status() == 200) etag = std::string(answer.header(sip::HeaderId::sip_etag));
    return answer;
  }
  sip::Message register_(std::uint32_t expires = 3600, const std::string& instance = {}) {
    const std::string parameter = instance.empty() ? "" : ";+sip.instance=\"<" + instance + ">\"";
    call_id_ = "register" + aor_ + std::to_string(hop_.flow);
    return stage_.answer(
        send("REGISTER", aor_,
             {"Contact: <sip:dev@192.0.2.9:5070>" + parameter + ";expires=" + std::to_string(expires)}));
  }
  void move(Hop hop) { hop_ = hop; }

  std::string etag;
  inline static int calls = 0;

 private:
  Stage& stage_;
  std::string aor_;
  Hop hop_;
  std::string call_id_ = "call";
  std::string tag_ = "tag";
  std::string dialog_to_;
  std::string event_;
  unsigned cseq_ = 0;
};

inline std::string pidf(const std::string& note, const std::string& tuple_id = "laptop",
                        const std::string& direct = {}) {
  return "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"" + alice + "\"><tuple id=\"" + tuple_id +
         "\"><status><basic>open</basic>" + direct + "</status><note>" + note + "</note></tuple></presence>";
}

/// A rule document with one rule for `who`.
inline std::string rule_for(const std::string& who, const std::string& handling,
                            const std::string& direct = {}) {
  return "<cr:ruleset xmlns=\"urn:ietf:params:xml:ns:pres-rules\" "
         "xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\""
         " xmlns:d=\"urn:beckon:params:xml:ns:direct:1\"><cr:rule "
         "id=\"a\"><cr:conditions><cr:identity><cr:one id=\"" +
         who + "\"/></cr:identity></cr:conditions><cr:actions><sub-handling>" + handling +
         "</sub-handling></cr:actions><cr:transformations><provide-services><all-services/></"
         "provide-services>"
         "<provide-persons><all-persons/></provide-persons><provide-all-attributes/>" +
         (direct.empty() ? "" : "<d:provide-direct>" + direct + "</d:provide-direct>") +
         "</cr:transformations></cr:rule></cr:ruleset>";
}

inline Settings allow_all() {
  Settings settings = Stage::default_settings();
  settings.watcher_policy = WatcherPolicy::allow;
  return settings;
}

/// The one tuple a watcher is shown, in words: "open note".
inline std::string shown(const Notified& notified) {
  const auto presence = notified.presence();
  std::string text;
  for (const auto& tuple : presence.tuples) {
    text += (text.empty() ? "" : ", ") + std::string(tuple.basic ? documents::to_string(*tuple.basic) : "?");
    if (!tuple.notes.empty()) text += ' ' + tuple.notes.front().text;
  }
  return text;
}

/// `pidf` with a person whose elements are `elements`.
inline std::string with_person(const std::string& elements) {
  std::string body = pidf("here");
  body.insert(body.find("</presence>"),
              "<dm:person xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
              "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" id=\"p\">" +
                  elements + "</dm:person>");
  return body;
}

/// `seconds` after the stage's first moment.
inline std::string in(const Stage& stage, std::chrono::seconds after) {
  return print_time(stage.clock_.at.wall + after);
}

}  // namespace beckon::server::test
