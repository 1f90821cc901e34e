"""Makes xray/ and fish/ again from images that PyPI packages carry. See LICENSES.md for where each comes from.

    python3 -m venv /tmp/venv-payloads
    /tmp/venv-payloads/bin/pip install scikit-image==0.26.0 pydicom==3.0.2 pillow==13.0.0
    /tmp/venv-payloads/bin/python make.py
"""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import skimage
from PIL import Image, ImageOps
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

HERE = Path(__file__).resolve().parent
PICTURES = Path(skimage.__file__).parent / "data"
SLICES = Path(pydicom.__file__).parent / "data/test_files"
FILE_LIMIT, FOLDER_LIMIT = 60_000, 600_000


def picture(name, size, crop=None, grey=False):
    image = Image.open(PICTURES / name)
    image = image.convert("L" if grey else "RGB")
    return ImageOps.fit(image.crop(crop) if crop else image, size, Image.Resampling.LANCZOS)


def windowed(name, side):
    """A DICOM slice as an 8-bit picture: stretched between its 1st and 99th percentile."""
    pixels = pydicom.dcmread(SLICES / name).pixel_array.astype(float)
    low, high = np.percentile(pixels, [1, 99])
    grey = np.clip((pixels - low) / (high - low), 0, 1) * 255
    return Image.fromarray(grey.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)


def dicom(path, image, inverted):
    """An 8-bit secondary capture, with white as 0 (MONOCHROME1) when `inverted`; no patient, no dates."""
    pixels = np.asarray(image)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality, data.PatientName, data.PatientID = "OT", "", ""
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME1" if inverted else "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.WindowCenter, data.WindowWidth = 128, 256
    data.PixelData = (255 - pixels if inverted else pixels).tobytes()
    data.save_as(path, enforce_file_format=True)


def xray(folder):
    for name in ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm"]:
        shutil.copyfile(SLICES / name, folder / name.lower().replace("_", "-"))
    windowed("CT_small.dcm", 256).save(folder / "ct-slice.png", optimize=True)
    windowed("MR_small.dcm", 320).save(folder / "mr-slice.jpg", quality=85)
    cell = picture("cell.png", (224, 224), grey=True)
    dicom(folder / "cell-inverted.dcm", cell, inverted=True)
    cell.save(folder / "cell.png", optimize=True)
    picture("retina.jpg", (320, 320)).save(folder / "retina.jpg", quality=80)
    picture("microaneurysms.png", (102, 102), grey=True).save(folder / "retina-detail.png", optimize=True)


def fish(folder):
    wide = (360, 270)
    picture("chelsea.png", wide).save(folder / "cat.jpg", quality=80)
    picture("coffee.png", wide).save(folder / "cup.jpg", quality=80)
    picture("rocket.jpg", wide).save(folder / "rocket.jpg", quality=80)
    picture("astronaut.png", (256, 256)).save(folder / "astronaut.jpg", quality=80)
    picture("hubble_deep_field.jpg", wide).save(folder / "galaxies.jpg", quality=75)
    picture("camera.png", (224, 224), grey=True).save(folder / "camera.png", optimize=True)
    picture("brick.png", (256, 256), grey=True).save(folder / "bricks.jpg", quality=80)
    picture("chelsea.png", (160, 120), crop=(120, 60, 320, 210)).save(folder / "cat-face.png", optimize=True)


def main():
    for name, make in {"xray": xray, "fish": fish}.items():
        shutil.rmtree(HERE / name, ignore_errors=True)
        (HERE / name).mkdir()
        make(HERE / name)
    files = sorted(HERE.glob("*/*"))
    for file in files:
        print(f"{file.stat().st_size:7} {file.relative_to(HERE)}")
        assert file.stat().st_size <= FILE_LIMIT, file
    assert sum(file.stat().st_size for file in files) <= FOLDER_LIMIT


main()
