"""SELECT nothing FROM nowhere"""


def delete():
    """DELETE FROM nowhere WHERE id = 1"""
    "SELECT x FROM nowhere"
    button("Delete from cart")
    button("Select a value from the list")
    button("select one, two or three from the menu")
    button("Update your profile and set a password = 8 letters")
    button("delete from cart")
    button("SELECT A COLOUR FROM THE LIST")
    return "insert coin into slot"
