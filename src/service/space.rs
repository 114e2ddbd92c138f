//! Set-up of the association, its settings and its departments.

use crate::{Actor, At, Ctx, Error, account, actor::Who, token};
use domain::{
    Account, AccountId, By, Department, DepartmentId, Grant, GrantId, Permission, Person, PersonId, Refusal, Scope,
    Space, SpaceId, Start,
    account::check_login,
    password::check_password,
    person, problem, refuse,
    space::{SpaceInput, check_department, check_space},
    text::Form,
};
use std::sync::{Mutex, PoisonError};
use store::{Order, Read};
use subtle::ConstantTimeEq;

/// The one-time code of the set-up page, printed on the console at the first start.
#[derive(Debug, Default)]
pub struct SetupCode(Mutex<Option<[u8; 32]>>);

impl SetupCode {
    /// Makes a new code and returns it; the one before is worth nothing any more.
    pub fn renew(&self, ctx: &Ctx) -> String {
        let code = token::short(ctx.random.as_ref());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token::hash(&code));
        code
    }

    fn is(&self, code: &str) -> bool {
        let kept = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.is_some_and(|kept| bool::from(kept.ct_eq(&token::hash(code))))
    }

    fn spend(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What the set-up page takes.
#[derive(Clone, Default)]
pub struct SetupInput {
    /// The code from the console.
    pub code: String,
    /// Name and zone of the association.
    pub space: SpaceInput,
    /// Name of the first administrator.
    pub name: String,
    /// Login of the first administrator.
    pub login: String,
    /// Password of the first administrator.
    pub password: String,
}

/// Name and zone of the actor's space.
pub fn own(ctx: &Ctx, actor: &Actor) -> Result<Space, Error> {
    let known = ctx.known(actor.space)?.ok_or_else(|| Refusal::missing("association"))?;
    Ok(known.space.clone())
}

/// The association, when it has been set up.
pub fn association(ctx: &Ctx) -> Result<Option<Space>, Error> {
    Ok(ctx.association()?.map(|known| known.space.clone()))
}

/// Creates the association and its first administrator (who holds every permission), once.
pub async fn set_up(ctx: &Ctx, setup: &SetupCode, input: &SetupInput, address: &str) -> Result<AccountId, Error> {
    if association(ctx)?.is_some() {
        return Err(already());
    }
    let keys = [format!("setup {address}")];
    ctx.limiter.check(&keys, ctx.now())?;
    let (space_name, zone, mut problems) = check_space(&input.space);
    if !setup.is(&input.code) {
        ctx.limiter.fail(&keys, ctx.now());
        problems.insert(0, problem!("code", "This is not the code. It stands on the console of the box."));
    }
    let mut form = Form { problems };
    let name = form.required("admin_name", &input.name, person::NAME_MAX);
    let login = check_login(&input.login, &mut form.problems);
    let spoken = search::spoken(&space_name).into_iter().chain(search::spoken(&name)).collect::<Vec<_>>();
    let mut own = vec![login.as_str(), &name, &space_name];
    own.extend(spoken.iter().map(String::as_str));
    check_password(&input.password, &own, &mut form.problems);
    form.done(())?;
    let hash = account::hash_password(ctx, &input.password).await?;
    let account = founded(ctx, (&space_name, &zone), (&name, &login, &hash), true).await?;
    setup.spend();
    Ok(account)
}

fn already() -> Error {
    refuse!(Conflict, "setup.done", "The association is already set up. Please log in.").into()
}

/// Writes the association and its first administrator in one commit.
pub async fn found(
    ctx: &Ctx,
    name: &str,
    zone: &str,
    admin: &str,
    login: &str,
    password: &str,
) -> Result<AccountId, Error> {
    founded(ctx, (name, zone), (admin, login, password), false).await
}

/// As [`found`]; `led`: the administrator is led through the first steps.
async fn founded(
    ctx: &Ctx,
    (name, zone): (&str, &str),
    (admin, login, password): (&str, &str, &str),
    led: bool,
) -> Result<AccountId, Error> {
    let (name, zone, admin, login, password) =
        (name.to_owned(), zone.to_owned(), admin.to_owned(), login.to_owned(), password.to_owned());
    let now = ctx.now();
    let permit = ctx.own(SpaceId::ASSOCIATION);
    let account = ctx
        .store()
        .write(move |tx| {
            let space = Space { id: SpaceId::ASSOCIATION, name: name.clone(), zone: zone.clone(), created_at: now };
            let mut hall = tx.space(SpaceId::BOX);
            if hall.get::<Space>(&space.id)?.is_some() {
                return Err(already());
            }
            hall.insert(&space)?;
            let mut work = crate::Work::new(tx.space(space.id), &permit, now);
            let person = Person {
                id: PersonId(work.next_id::<Person>()?),
                name: admin.clone(),
                phone: None,
                company: String::new(),
                created_at: now,
            };
            work.insert(&person)?;
            let account = account::new_account(&mut work, &person, &login, &password)?;
            for permission in Permission::ALL {
                let id = GrantId(work.next_id::<Grant>()?);
                work.insert(&Grant { id, account, permission: *permission, scope: Scope::Space })?;
            }
            if led {
                work.insert(&Start::new(account))?;
            }
            work.audit("space.set_up", format!("space/{}", space.id), "", &space.name)?;
            Ok::<_, Error>(account)
        })
        .await?;
    Ok(account)
}

/// Changes name and zone of the association.
pub async fn save(ctx: &Ctx, actor: &Actor, input: &SpaceInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let (name, zone, problems) = check_space(input);
    Refusal::unless_clean(problems)?;
    let now = ctx.now();
    let saved = ctx
        .store()
        .write(move |tx| {
            let mut hall = tx.space(SpaceId::BOX);
            let Some(mut space) = hall.get::<Space>(&permit.space)? else {
                return Err(Refusal::missing("association").into());
            };
            let before = format!("{}, {}", space.name, space.zone);
            space.name.clone_from(&name);
            space.zone.clone_from(&zone);
            hall.put(&space)?;
            let mut work = crate::Work::new(tx.space(permit.space), &permit, now);
            work.audit("space.save", format!("space/{}", space.id), &before, &format!("{name}, {zone}"))
        })
        .await;
    ctx.space_changed(actor.space);
    saved
}

/// All departments; anybody of the staff may know them.
pub fn departments(ctx: &Ctx, actor: &Actor) -> Result<Vec<Department>, Error> {
    let Who::Staff { .. } = actor.who else { return Err(Refusal::denied().into()) };
    ctx.read(&ctx.public(actor), all_departments)
}

pub(crate) fn all_departments(view: &impl Read) -> Result<Vec<Department>, Error> {
    view.scan::<Department>(&(), None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// Adds a department (`id` none) or changes one.
pub async fn save_department(
    ctx: &Ctx,
    actor: &Actor,
    id: Option<DepartmentId>,
    name: &str,
    parent: Option<DepartmentId>,
) -> Result<DepartmentId, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let mut form = Form::default();
    let name = form.required("name", name, 40);
    form.done(())?;
    ctx.write(&permit, move |work| {
        let all = all_departments(work.read())?;
        let before = id
            .map(|id| all.iter().find(|kept| kept.id == id).ok_or_else(|| Refusal::missing("department")))
            .transpose()?;
        let number = match id {
            Some(id) => id,
            None => DepartmentId(work.next_id::<Department>()?),
        };
        let department = Department { id: number, parent, name: name.clone() };
        check_department(&all, &department)?;
        work.put(&department)?;
        let before = before.map_or("", |before| before.name.as_str()).to_owned();
        work.audit("department.save", format!("department/{number}"), &before, &name)?;
        Ok(number)
    })
    .await
}

/// Removes a department that nothing lies below or belongs to.
pub async fn remove_department(ctx: &Ctx, actor: &Actor, id: DepartmentId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.write(&permit, move |work| {
        let all = all_departments(work.read())?;
        let kept = all.iter().find(|kept| kept.id == id).ok_or_else(|| Refusal::missing("department"))?;
        let mut used = all.iter().any(|other| other.parent == Some(id));
        for event in work.read().scan::<domain::Event>(&(), None, Order::Ascending) {
            used |= event?.1.department == Some(id);
        }
        for grant in work.read().scan::<Grant>(&(), None, Order::Ascending) {
            used |= grant?.1.scope == Scope::Department(id);
        }
        if used {
            return Err(refuse!(
                Conflict,
                "department.in_use",
                "Departments, events or permissions still belong to this department. Move them first."
            )
            .into());
        }
        work.remove::<Department>(&id)?;
        work.audit("department.remove", format!("department/{id}"), &kept.name, "")
    })
    .await
}

/// The name of whoever wrote an audit line or made a scan, as far as it is known.
pub fn name_of(view: &impl Read, by: By) -> Result<Option<String>, Error> {
    Ok(match by {
        By::Box | By::Visitor => None,
        By::Account(id) => view.get::<Account>(&id)?.map(|account| account.name),
        By::Person(id) => view.get::<domain::Person>(&id)?.map(|person| person.name),
        By::Device(id) => view.get::<domain::Device>(&id)?.map(|device| device.name),
        By::Client(id) => view.get::<domain::ApiClient>(&id)?.map(|client| client.name),
    })
}
