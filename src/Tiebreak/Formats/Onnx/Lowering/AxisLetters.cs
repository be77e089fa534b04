namespace Tiebreak.Formats.Onnx.Lowering;

/// <summary>Hands out letters for the axes of contractions, each once.</summary>
sealed class AxisLetters
{
    const string All = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    int _taken;

    /// <summary>Letters nobody has yet.</summary>
    /// <exception cref="ArgumentException">There are no more.</exception>
    public string Take(int count)
    {
        if (_taken + count > All.Length) throw new ArgumentException($"more than {All.Length} axes");
        _taken += count;
        return All.Substring(_taken - count, count);
    }
}
