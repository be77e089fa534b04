namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Cosines and sines of fractions of a turn: the nearest doubles, exactly as symmetric as the functions are.</summary>
static class Turns
{
    /// <summary>cos(2π · part / whole).</summary>
    public static double Cosine(long part, long whole)
    {
        // In twelfths and below a quarter: 0, 1/2 and 1 are exact, and mirrored angles give the same number.
        part = Math.Abs(part) % whole;
        if (2 * part > whole) part = whole - part;
        if (4 * part > whole) return -Cosine(whole - 2 * part, 2 * whole);
        if (4 * part == whole) return 0;
        return 6 * part == whole ? 0.5 : Math.Cos(2 * Math.PI * part / whole);
    }

    /// <summary>sin(2π · part / whole): a quarter behind.</summary>
    public static double Sine(long part, long whole) => Cosine(checked(4 * part - whole), checked(4 * whole));
}
