"""What users of a support assistant ask: short, distinct, not all of it English."""

PROMPTS = tuple(
    """
How do I reset my password?
Where is my order?
How do I cancel my subscription?
What is your refund policy?
How long does delivery take?
How do I change my email address?
Can I pay by invoice?
Why was my card declined?
How do I talk to a human?
How do I delete my account?
Is there a student discount?
How do I turn on two-factor sign-in?
I did not get the confirmation email. What now?
Can I change the delivery address after ordering?
How do I download my invoices?
What happens to my data when I leave?
How many devices can I use at once?
How do I upgrade to the team plan?
Why is the app so slow today?
Can I get a VAT invoice for last year?
怎么重置密码？
我的订单什么时候到？
如何取消订阅？
可以开发票吗？
退款需要多少天？
忘记了登录邮箱怎么办？
怎么联系人工客服？
可以更改收货地址吗？
会员什么时候到期？
为什么付款失败了？
パスワードを忘れました。どうすればいいですか？
注文をキャンセルできますか？
領収書を発行してもらえますか？
배송은 얼마나 걸리나요?
환불은 어떻게 받나요?
Wie ändere ich meine Rechnungsadresse?
Wo finde ich meine Kündigungsbestätigung?
Kann ich den Tarif rückwirkend ändern?
Comment réinitialiser mon mot de passe ?
Où en est ma commande ?
Puis-je être remboursé après trente jours ?
¿Cómo cambio mi método de pago?
¿Dónde está mi pedido?
¿Puedo cancelar en cualquier momento?
Como altero o endereço de entrega?
Não recebi o código de verificação.
Как восстановить доступ к аккаунту?
Когда вернут деньги?
Şifremi nasıl değiştirebilirim?
كيف أغيّر كلمة المرور؟
Which payment methods do you accept?
Do you ship to Norway?
Can I pick my parcel up myself?
The parcel arrived damaged. What do I do?
One item is missing from my box.
Can I return a gift without the receipt?
How do I print the return label?
Is express delivery available on Saturdays?
Who pays the customs fees?
My tracking number does not work.
Can I combine two discount codes?
How do I redeem a gift card?
When does the summer sale end?
Do you match prices of other shops?
How do I join the loyalty program?
How do I see my loyalty points?
Do my points expire?
How do I unsubscribe from the newsletter?
Can I have two accounts with one phone number?
How do I change my user name?
How do I merge two accounts?
Why was my account locked?
I got a sign-in alert from another country.
How do I sign out everywhere?
Where do I see who has access to my workspace?
How do I add a colleague to the team?
How do I remove a team member?
What may an administrator see?
How do I transfer ownership of the workspace?
How do I export all my projects?
Which file formats can I import?
What is the largest file I can upload?
Why does the upload stop at 99 %?
How do I restore a deleted file?
How long do you keep backups?
Does the app work offline?
How do I turn on dark mode?
Which browsers are supported?
The page stays white after signing in.
How do I clear the cache of the app?
The app crashes when I open the camera.
How do I turn off notifications at night?
Can I change the language of the interface?
How do I set my time zone?
How do I connect my calendar?
How do I create an API key?
What are the rate limits of the API?
Which webhook events are there?
How do I verify a webhook's signature?
Is there a sandbox for tests?
Where is the status page?
What is your uptime guarantee?
Are you certified under ISO 27001?
Where is my data stored?
Do you sign a data processing agreement?
How do I report a security problem?
Can I use the product for a school class?
Is there a discount for charities?
How do I switch from monthly to yearly billing?
What happens when my trial ends?
Can I pause my subscription for two months?
How do I change the number of seats?
Why was I charged twice?
When is the next invoice due?
How do I correct the name on an invoice?
How do I ask for a purchase order?
Do you offer phone support?
What are your opening hours?
How do I leave a review?
Where can I suggest a feature?
""".strip().splitlines()
)


def prompt(index: int) -> str:
    """The question of this rank, from 0: the lower, the more popular."""
    return PROMPTS[index]
