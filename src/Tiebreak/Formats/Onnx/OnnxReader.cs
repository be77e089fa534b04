namespace Tiebreak.Formats.Onnx;

/// <summary>Holds the place of the ONNX reader until the branch that has it is merged.</summary>
public static class OnnxReader
{
    /// <summary>Refuses every file.</summary>
    /// <exception cref="TiebreakException">Always.</exception>
    public static IModelFile Open(string path) => throw new TiebreakException($"{path}: this build does not read ONNX files");
}
