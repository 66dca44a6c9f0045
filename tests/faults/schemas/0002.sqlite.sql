-- A store of revision 0002, as it was before the first release. The made-up API key “backend”: tsk_qwHSIKYiinSNFnFnnDI0ovMd8NW2U9Il2iMpDq
BEGIN TRANSACTION;
CREATE TABLE accounts (
	username VARCHAR(255) NOT NULL,
	password_hash VARCHAR(255) NOT NULL,
	groups TEXT NOT NULL,
	PRIMARY KEY (username)
);
INSERT INTO "accounts" VALUES('ada','scrypt:32768:8:1$p7S62GHCjAOoMOp2$bf24fbc168c14daec48914892eb35900a8272f7f176c6b6dca08a86a2a7a9e8b1cfca85bba602a32a2ff80e760b31ba21d961e11748c409f12179f9a6156e09e','');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE api_keys (
	name VARCHAR(64) NOT NULL,
	key_hash VARCHAR(64) NOT NULL,
	created_at BIGINT NOT NULL, profiles TEXT,
	PRIMARY KEY (name),
	UNIQUE (key_hash)
);
INSERT INTO "api_keys" VALUES('backend','8c9f2b74a01daa7fe74600f564c81e9f96032e920a5e479f70852348582b07bf',1795808908287392,'default');
CREATE TABLE blocks (
	"key" VARCHAR(800) NOT NULL,
	until BIGINT,
	at BIGINT NOT NULL,
	PRIMARY KEY ("key")
);
INSERT INTO "blocks" VALUES('["profile", "closed"]',NULL,1795808908682817);
CREATE TABLE charges (
	id INTEGER NOT NULL,
	reservation_id VARCHAR(32) NOT NULL,
	"key" VARCHAR(64) NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "charges" VALUES(1,'050ec380e9d94dcfb061e9cf9cef93f5','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795808910531671);
INSERT INTO "charges" VALUES(2,'101309c91d654ff4bea5df85d3b2eeea','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795808910550492);
INSERT INTO "charges" VALUES(3,'417860118c0343dd89415813f07b0f72','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',1795808910557106);
INSERT INTO "charges" VALUES(4,'7c0b7d0a508d44febe860e1530da204f','a1a9de233f480e36bd07a2ee83b12b05684ba35aae07a597d19c041d74cf470a',1795808910564959);
INSERT INTO "charges" VALUES(5,'7ca366ded6554f798ea0fe77a78b4df5','ebf27a781c43bd28a34c082a5f3d907c7717c14e406b3394b41577f239835e06',1795808910574135);
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
);
INSERT INTO "events" VALUES(1,1795808910531671,'reserved','050ec380e9d94dcfb061e9cf9cef93f5','ad78babadf7540879c9afe91b641633d','f278ee499b6444be974445222b572c69','guest','guest','l685ZaTZ7eXmKFeMrH-GXA','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,1795808910546417,'granted','050ec380e9d94dcfb061e9cf9cef93f5','ad78babadf7540879c9afe91b641633d','f278ee499b6444be974445222b572c69','guest','guest','l685ZaTZ7eXmKFeMrH-GXA','127.0.0.1','default','models/gemini-3.8-live',0,300,'e4a64d2fc453c4bf1b238ebf5ceac8ceab0d439bf2236125446748e104acee92',1795809210000000,NULL);
INSERT INTO "events" VALUES(3,1795808910550492,'reserved','101309c91d654ff4bea5df85d3b2eeea','3d3e97d308d3412788b02e4f941aa328','3b132d8bc5134a9882120b3457e91e02','guest','guest','lHBUuDIJNGB80-bNnqw40Q','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL);
INSERT INTO "events" VALUES(4,1795808910553764,'granted','101309c91d654ff4bea5df85d3b2eeea','3d3e97d308d3412788b02e4f941aa328','3b132d8bc5134a9882120b3457e91e02','guest','guest','lHBUuDIJNGB80-bNnqw40Q','127.0.0.1','default','models/gemini-3.8-live',0,300,'6e29713695d613cd87e3f6174e5baa83327c0040d0698bb31fa1055c7604c844',1795809210000000,NULL);
INSERT INTO "events" VALUES(5,1795808910557106,'reserved','417860118c0343dd89415813f07b0f72','557a73cef43649c9a667838f3ea2b39d','976747e374b74723b3725730888bdcbd','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,1795808910560112,'granted','417860118c0343dd89415813f07b0f72','557a73cef43649c9a667838f3ea2b39d','976747e374b74723b3725730888bdcbd','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',0,300,'016700017cf799dcc794487464cb139bc8e51548bcc49063c64f63e3d730646a',1795809210000000,NULL);
INSERT INTO "events" VALUES(7,1795808910564959,'reserved','7c0b7d0a508d44febe860e1530da204f','557a73cef43649c9a667838f3ea2b39d','cd63600d60244c88bf47f7e6baef1883','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',1,1,NULL,NULL,NULL);
INSERT INTO "events" VALUES(8,1795808910567601,'granted','7c0b7d0a508d44febe860e1530da204f','557a73cef43649c9a667838f3ea2b39d','cd63600d60244c88bf47f7e6baef1883','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',1,1,'f5dec602ac5aa440f4d856867b2d292592287e46c33e7c9efce9888095e77067',1795809210000000,NULL);
INSERT INTO "events" VALUES(9,1795808910570100,'ended',NULL,'557a73cef43649c9a667838f3ea2b39d','ccade029fe8649be97dc25ed0d317a84','user','https://shop.test/','ada','127.0.0.1','default',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE leases (
	id VARCHAR(32) NOT NULL,
	holder VARCHAR(64) NOT NULL,
	charged_until BIGINT NOT NULL,
	live_until BIGINT NOT NULL,
	deadline BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "leases" VALUES('ad78babadf7540879c9afe91b641633d','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795809210531671,1795809210531671,1795810710529769);
INSERT INTO "leases" VALUES('3d3e97d308d3412788b02e4f941aa328','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795809210550492,1795809210550492,1795810710550271);
CREATE TABLE logins (
	cookie_hash VARCHAR(64) NOT NULL,
	login_id VARCHAR(32) NOT NULL,
	username VARCHAR(255) NOT NULL,
	expires_at BIGINT NOT NULL,
	ends_at BIGINT NOT NULL,
	replaced_at BIGINT,
	PRIMARY KEY (cookie_hash)
);
INSERT INTO "logins" VALUES('f4b90a7566b089b26306393bebe7288aea21f601b9a83ebd8a802045989306f5','995f8a066a584196b8f7150abf2ab502','ada',1796413710649027,1798400910649027,NULL);
CREATE TABLE spending (
	"key" VARCHAR(64) NOT NULL,
	day INTEGER NOT NULL,
	seconds BIGINT NOT NULL,
	PRIMARY KEY ("key", day)
);
INSERT INTO "spending" VALUES('e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',20784,600);
INSERT INTO "spending" VALUES('958a05a7bc337c19c0db8cbf78bacb4fa34862e0e2f6a2f28429ca2c4284b720',20784,901);
CREATE INDEX events_by_reservation ON events (reservation_id);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_subject ON events (issuer, subject, at);
CREATE INDEX charges_by_key ON charges ("key", at);
CREATE INDEX charges_by_reservation ON charges (reservation_id);
CREATE INDEX charges_by_time ON charges (at);
CREATE INDEX leases_by_holder ON leases (holder, live_until);
CREATE INDEX leases_by_deadline ON leases (deadline);
CREATE INDEX logins_by_login ON logins (login_id);
CREATE INDEX logins_by_username ON logins (username);
CREATE INDEX logins_by_expiry ON logins (expires_at);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are appended, never changed'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',9);
COMMIT;
