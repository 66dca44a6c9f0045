-- A store of revision 0010, as it was before the first release. The made-up API key “backend”: tsk_o1qFp9WMim20zaeuEsNzW4NmQRfTDo1q2SpxPU
BEGIN TRANSACTION;
CREATE TABLE accounts (
	username VARCHAR(255) NOT NULL, 
	password_hash VARCHAR(255) NOT NULL, 
	groups TEXT NOT NULL, 
	PRIMARY KEY (username)
);
INSERT INTO "accounts" VALUES('ada','scrypt:32768:8:1$WjHkZ0ivhKgeWjJW$516c0c217e5d43dff29bc80841defbaa70c8cb5df11eb232f14b58a1a78a8ec1ebe19cd5f2e7083563705096ad6c62f10eb50b4554a57ba9980bef30f9d4ab7d','');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0010');
CREATE TABLE api_keys (
	name VARCHAR(64) NOT NULL, 
	key_hash VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, profiles TEXT, 
	PRIMARY KEY (name), 
	UNIQUE (key_hash)
);
INSERT INTO "api_keys" VALUES('backend','5548eaf71864d764e3d7a272c97c6e5c7e241bf4b54389530fc9385f14c3aa62',1795840975251040,'default orders');
CREATE TABLE blocks (
	"key" VARCHAR(800) NOT NULL, 
	until BIGINT, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "blocks" VALUES('["profile", "closed"]',NULL,1795840976103821);
CREATE TABLE charges (
	id INTEGER NOT NULL, 
	reservation_id VARCHAR(32) NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "charges" VALUES(1,'7974e9c671d436ce93864b44eabc4d02','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795840976196854);
INSERT INTO "charges" VALUES(2,'abdb0435f50a930d0798f854ae73d191','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795840976218898);
INSERT INTO "charges" VALUES(3,'fcb699955ed75149c7657757f42c40ba','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',1795840976226396);
INSERT INTO "charges" VALUES(4,'2a191d9ec08aec2a3d1d195ae87f97e9','a260e865028988d24627406cf0413b32cfbce907391461ecf1561879e3314a1e',1795840976238423);
INSERT INTO "charges" VALUES(6,'26c4b4afa416e49bfa17b5f82bc3d10b','05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39',1795840976261794);
INSERT INTO "charges" VALUES(7,'b08b9ebeff4bb3424c409ab630842011','580c247bec97c53afa309a6840f0afe0976a9c816f439ad82176a010b0734870',1795840976264763);
CREATE TABLE events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	reservation_id VARCHAR(32), 
	lease_id VARCHAR(32) NOT NULL, 
	request_id VARCHAR(64) NOT NULL, 
	principal_kind VARCHAR(16) NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	profile VARCHAR(64) NOT NULL, 
	model VARCHAR(128), 
	renewal INTEGER, 
	seconds INTEGER, 
	fingerprint VARCHAR(64), 
	expires_at BIGINT, 
	code VARCHAR(64)
, details TEXT);
INSERT INTO "events" VALUES(1,1795840976196854,'reserved','7974e9c671d436ce93864b44eabc4d02','d8105a26c336e0cc4d3a1f20cdfbab64','866aa1c59f610be1d00ccecbcdcec7b3','guest','guest','2xurMg4Qtb6UiFdcPW_HPw','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,1795840976215519,'granted','7974e9c671d436ce93864b44eabc4d02','d8105a26c336e0cc4d3a1f20cdfbab64','866aa1c59f610be1d00ccecbcdcec7b3','guest','guest','2xurMg4Qtb6UiFdcPW_HPw','127.0.0.1','default','models/gemini-3.8-live',0,300,'6541b7d9331c097a2d7a6445c8b5bbe08e832e25adabde26a2efba80dfa10c2c',1795841276000000,NULL,NULL);
INSERT INTO "events" VALUES(3,1795840976218898,'reserved','abdb0435f50a930d0798f854ae73d191','17a841b1072794304115b090e3289661','46f39afecd2f60365b677754e3b636c3','guest','guest','VovrhEocINZBdph-DSbC2Q','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(4,1795840976219631,'granted','abdb0435f50a930d0798f854ae73d191','17a841b1072794304115b090e3289661','46f39afecd2f60365b677754e3b636c3','guest','guest','VovrhEocINZBdph-DSbC2Q','127.0.0.1','default','models/gemini-3.8-live',0,300,'abe6fda537dd5d1811fe007d7561116e931c4146ff23fb2977b1d6c9e567ae9f',1795841276000000,NULL,NULL);
INSERT INTO "events" VALUES(5,1795840976226396,'reserved','fcb699955ed75149c7657757f42c40ba','fb40a4320ac3bd48567a70a024deab48','80af0dde86be5685ae24706be8e3afb6','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,1795840976234783,'granted','fcb699955ed75149c7657757f42c40ba','fb40a4320ac3bd48567a70a024deab48','80af0dde86be5685ae24706be8e3afb6','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',0,300,'49a8c29326e68e95ec0c26b090b8d29118b5cd9473d1ea0485edf620899b8724',1795841276000000,NULL,NULL);
INSERT INTO "events" VALUES(7,1795840976238423,'reserved','2a191d9ec08aec2a3d1d195ae87f97e9','fb40a4320ac3bd48567a70a024deab48','af645935ad8bc8819ddf8ff592eb09e2','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',1,1,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(8,1795840976240424,'granted','2a191d9ec08aec2a3d1d195ae87f97e9','fb40a4320ac3bd48567a70a024deab48','af645935ad8bc8819ddf8ff592eb09e2','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',1,1,'f9b0faaeac09e93654f58d52152550501ae880d212d97123afb753eaee079b83',1795841276000000,NULL,NULL);
INSERT INTO "events" VALUES(9,1795840976245931,'called','f77012aa27faec9a915edbbc5b8b2feb','fb40a4320ac3bd48567a70a024deab48','cabe73268873f2a5cd78cc20a327cba2','user','https://shop.test/','ada','127.0.0.1','default',NULL,NULL,NULL,'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d',NULL,'find_order','{"number":"17"}');
INSERT INTO "events" VALUES(10,1795840976249959,'returned','f77012aa27faec9a915edbbc5b8b2feb','fb40a4320ac3bd48567a70a024deab48','cabe73268873f2a5cd78cc20a327cba2','user','https://shop.test/','ada','127.0.0.1','default',NULL,NULL,NULL,'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d',NULL,'done',NULL);
INSERT INTO "events" VALUES(11,1795840976252533,'reserved','41a4ab03ed47a3132cbef7fbb87e4ed5','7d9cd81b295ece182940ff73ef067265','14e529a74e07e67eecd3e887ae06f68a','user','https://shop.test/','erased:7e1a2a6e1cbc1c517db82e0dc06c90ab','erased','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(12,1795840976253275,'granted','41a4ab03ed47a3132cbef7fbb87e4ed5','7d9cd81b295ece182940ff73ef067265','14e529a74e07e67eecd3e887ae06f68a','user','https://shop.test/','erased:7e1a2a6e1cbc1c517db82e0dc06c90ab','erased','default','models/gemini-3.8-live',0,300,'473110d57247990ace695797ce21079bdd29e9ec48e8101af84719d6cf62b950',1795841276000000,NULL,NULL);
INSERT INTO "events" VALUES(13,1795840976256832,'ended',NULL,'7d9cd81b295ece182940ff73ef067265','7b1a3a9909506c6c100601f6292e1614','user','https://shop.test/','erased:7e1a2a6e1cbc1c517db82e0dc06c90ab','erased','default',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(14,1795840976261794,'reserved','26c4b4afa416e49bfa17b5f82bc3d10b','d1c7004cf3d41966e6d198ef01488592','3dc60e209a5ed44c60a1c325817c1bec','key','key:backend','backend','127.0.0.1','orders','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(15,1795840976263118,'granted','26c4b4afa416e49bfa17b5f82bc3d10b','d1c7004cf3d41966e6d198ef01488592','3dc60e209a5ed44c60a1c325817c1bec','key','key:backend','backend','127.0.0.1','orders','models/gemini-3.8-live',0,300,'d384a2abd63951d00ae52350d94d5958bba785bf621110c95b9ed2ccbc8b25dd',1795841276000000,NULL,NULL);
INSERT INTO "events" VALUES(16,1795840977197949,'erased',NULL,'','','user','https://shop.test/','erased:7e1a2a6e1cbc1c517db82e0dc06c90ab','erased','',NULL,NULL,NULL,NULL,NULL,NULL,'{"events": 3, "conversations": 0, "days of spending": 1, "reports of usage": 1, "counts of refusals": 0, "accounts": 0}');
CREATE TABLE leases (
	id VARCHAR(32) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	token_id VARCHAR(32) NOT NULL, 
	token_end BIGINT NOT NULL, 
	charged_until BIGINT NOT NULL, 
	granted_at BIGINT NOT NULL, 
	handle VARCHAR(64), 
	drawn_until BIGINT NOT NULL, 
	fresh_at BIGINT NOT NULL, 
	deadline BIGINT NOT NULL, context TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "leases" VALUES('d8105a26c336e0cc4d3a1f20cdfbab64','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','7974e9c671d436ce93864b44eabc4d02',1795841276196854,1795841276196854,1795840976196854,NULL,1795840976196854,1795840986196854,1795842776195399,NULL);
INSERT INTO "leases" VALUES('17a841b1072794304115b090e3289661','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','abdb0435f50a930d0798f854ae73d191',1795841276218898,1795841276218898,1795840976218898,NULL,1795840976218898,1795840986218898,1795842776218747,NULL);
INSERT INTO "leases" VALUES('fb40a4320ac3bd48567a70a024deab48','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f','2a191d9ec08aec2a3d1d195ae87f97e9',1795841276238423,1795841277226396,1795840976238423,'5a3cc72ce59a1b7eaaac7054a8a2d7592869e4b65ae2d491fc369f863604cb15',1795841276226396,1795840986226396,1795842776226036,NULL);
INSERT INTO "leases" VALUES('d1c7004cf3d41966e6d198ef01488592','05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39','26c4b4afa416e49bfa17b5f82bc3d10b',1795841276261794,1795841276261794,1795840976261794,NULL,1795840976261794,1795840986261794,1795842776261621,'{"order": "17"}');
CREATE TABLE logins (
	cookie_hash VARCHAR(64) NOT NULL, 
	login_id VARCHAR(32) NOT NULL, 
	username VARCHAR(255) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	replaced_at BIGINT, 
	PRIMARY KEY (cookie_hash)
);
INSERT INTO "logins" VALUES('34463dee8c7863dd8a6f425911eb7200b23da0ad5014098e7ce42d4bf3b31dc9','bcd2ffcb204041b184109bb4601cdd8e','ada',1796445776352186,1798432976352186,NULL);
CREATE TABLE probes (
	content BLOB NOT NULL
);
INSERT INTO "probes" VALUES(X'00');
CREATE TABLE refusals (
	id INTEGER NOT NULL, 
	minute BIGINT NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	profile VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "refusals" VALUES(1,1795840920000000,'blocked','guest','O4RnawJxJl8udTKbeFt9lw','127.0.0.1','closed',1);
CREATE TABLE spending (
	"key" VARCHAR(64) NOT NULL, 
	day INTEGER NOT NULL, 
	seconds BIGINT NOT NULL, 
	PRIMARY KEY ("key", day)
);
INSERT INTO "spending" VALUES('e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',20785,600);
INSERT INTO "spending" VALUES('fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',20785,301);
INSERT INTO "spending" VALUES('erased:7e1a2a6e1cbc1c517db82e0dc06c90ab',20785,300);
INSERT INTO "spending" VALUES('05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39',20785,300);
CREATE TABLE tokens (
	id VARCHAR(32) NOT NULL, 
	lease_id VARCHAR(32) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	place_of VARCHAR(64), 
	counted_for VARCHAR(64), 
	counted_until BIGINT NOT NULL, opens_until BIGINT, undo TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "tokens" VALUES('7974e9c671d436ce93864b44eabc4d02','d8105a26c336e0cc4d3a1f20cdfbab64',1795841276196854,'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795841276196854,NULL,NULL);
INSERT INTO "tokens" VALUES('abdb0435f50a930d0798f854ae73d191','17a841b1072794304115b090e3289661',1795841276218898,'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795841276218898,NULL,NULL);
INSERT INTO "tokens" VALUES('fcb699955ed75149c7657757f42c40ba','fb40a4320ac3bd48567a70a024deab48',1795841276226396,NULL,NULL,1795841276226396,NULL,NULL);
INSERT INTO "tokens" VALUES('2a191d9ec08aec2a3d1d195ae87f97e9','fb40a4320ac3bd48567a70a024deab48',1795841276238423,'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',1795841277226396,NULL,NULL);
INSERT INTO "tokens" VALUES('41a4ab03ed47a3132cbef7fbb87e4ed5','7d9cd81b295ece182940ff73ef067265',1795841276252533,NULL,NULL,1795841276252533,NULL,NULL);
INSERT INTO "tokens" VALUES('26c4b4afa416e49bfa17b5f82bc3d10b','d1c7004cf3d41966e6d198ef01488592',1795841276261794,'05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39','05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39',1795841276261794,NULL,NULL);
CREATE TABLE tool_calls (
	id VARCHAR(64) NOT NULL, 
	lease_id VARCHAR(32) NOT NULL, 
	tool VARCHAR(64) NOT NULL, 
	"key" VARCHAR(64), 
	at BIGINT NOT NULL, 
	ends_by BIGINT NOT NULL, 
	cancelled INTEGER NOT NULL, 
	pending VARCHAR(64), 
	prepared TEXT, 
	answer TEXT, 
	deadline BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "tool_calls" VALUES('f77012aa27faec9a915edbbc5b8b2feb99f42869b583f659b39ea4909497cc32','fb40a4320ac3bd48567a70a024deab48','find_order',NULL,1795840976245931,1795840986245931,0,NULL,NULL,'{"output": {"number": "17", "state": "on its way"}}',1795842776000000);
CREATE TABLE usage (
	lease_id VARCHAR(32) NOT NULL, 
	started_at BIGINT NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	profile VARCHAR(64) NOT NULL, 
	model VARCHAR(128) NOT NULL, 
	seconds INTEGER NOT NULL, 
	tokens TEXT NOT NULL, 
	ended VARCHAR(32), 
	rating VARCHAR(8), 
	PRIMARY KEY (lease_id)
);
INSERT INTO "usage" VALUES('fb40a4320ac3bd48567a70a024deab48',1795840976000000,'https://shop.test/','ada','default','models/gemini-3.8-live',20,'{"prompt.AUDIO": 700, "response.AUDIO": 500}','idle',NULL);
INSERT INTO "usage" VALUES('7d9cd81b295ece182940ff73ef067265',1795840976000000,'https://shop.test/','erased:7e1a2a6e1cbc1c517db82e0dc06c90ab','default','models/gemini-3.8-live',20,'{"prompt.AUDIO": 700, "response.AUDIO": 500}','idle','good');
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_subject ON events (issuer, subject, at);
CREATE INDEX charges_by_key ON charges ("key", at);
CREATE INDEX charges_by_time ON charges (at);
CREATE INDEX logins_by_login ON logins (login_id);
CREATE INDEX logins_by_username ON logins (username);
CREATE INDEX logins_by_expiry ON logins (expires_at);
CREATE INDEX leases_by_deadline ON leases (deadline);
CREATE INDEX tokens_by_lease ON tokens (lease_id, expires_at);
CREATE INDEX tokens_by_holder ON tokens (counted_for, counted_until);
CREATE INDEX tokens_by_time ON tokens (expires_at);
CREATE INDEX tokens_by_opening ON tokens (opens_until) WHERE opens_until IS NOT NULL;
CREATE INDEX tool_calls_by_lease ON tool_calls (lease_id, tool, at);
CREATE INDEX tool_calls_by_deadline ON tool_calls (deadline);
CREATE INDEX usage_by_start ON usage (started_at);
CREATE INDEX refusals_by_time ON refusals (minute);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events WHEN (NEW.subject GLOB 'erased:[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' AND OLD.subject NOT GLOB 'erased:[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' AND 
    NEW.address = 'erased' AND NEW.details IS NULL
    AND (NEW.fingerprint IS OLD.fingerprint
         OR NEW.fingerprint IS NULL AND OLD.kind IN ('asked', 'called', 'returned'))
 AND NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.kind IS OLD.kind AND NEW.reservation_id IS OLD.reservation_id AND NEW.lease_id IS OLD.lease_id AND NEW.request_id IS OLD.request_id AND NEW.principal_kind IS OLD.principal_kind AND NEW.issuer IS OLD.issuer AND NEW.profile IS OLD.profile AND NEW.model IS OLD.model AND NEW.renewal IS OLD.renewal AND NEW.seconds IS OLD.seconds AND NEW.expires_at IS OLD.expires_at AND NEW.code IS OLD.code) IS NOT TRUE BEGIN SELECT RAISE(ABORT, 'events are appended, never changed'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',16);
COMMIT;
